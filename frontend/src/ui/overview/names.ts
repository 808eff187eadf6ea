/** Where a name is cut, and what a search found of it. */
import { NUMBER_FONT as FONT } from "../../render/numbers";

/** How much of the room the end of a name may take. */
const END = 0.7;
/** CSS pixels of a beginning that still says something, with the sign that some is left out. */
const HEAD = 15;
/** What is left of a word that was cut, before the next one: no number, which tells names apart. */
const REST = /^[^\d/_.-]{1,8}(?=[/_.-].{3})/;

const letters = new Map<string, number>();

/** CSS pixels of a text as the tree writes it, letter by letter: each is measured once. */
function widthOf(text: string): number {
  let width = 0;
  for (const letter of text) width += letters.get(letter) ?? measured(letter);
  return width;
}

function measured(letter: string): number {
  const context = document.createElement("canvas").getContext("2d")!;
  context.font = `13px ${FONT}`;
  const { width } = context.measureText(letter);
  letters.set(letter, width);
  return width;
}

/** Half open; empty, at the end, where nothing is found. */
export function hitOf(name: string, search: string): readonly [number, number] {
  const wanted = search.trim().toLowerCase();
  const at = wanted === "" ? -1 : name.toLowerCase().indexOf(wanted);
  return at < 0 ? [name.length, name.length] : [at, at + wanted.length];
}

/**
 * What stands from here on is always in sight; what stands before gives way. The end begins where a part
 * of the name does, if one does nearby, or with what was searched for, if there is room for that.
 */
export function cutOf(
  name: string,
  room: number,
  [hit]: readonly [number, number],
  width = widthOf,
): number {
  if (width(name) <= room) return 0;
  let cut = name.length - 1;
  while (cut > 0 && width(name.slice(cut - 1)) <= room * END) cut--;
  if (hit < cut && width(name.slice(hit)) <= room - HEAD) return hit;
  const begun = /[/_.-]/.test(name[cut - 1] ?? "/");
  return begun ? cut : cut + (REST.exec(name.slice(cut))?.[0].length ?? 0);
}
