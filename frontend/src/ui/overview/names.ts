/** Where a name is cut, and what a search found of it. */

/** CSS pixels of a letter, amply. */
const LETTER = 7.5;
/** How much of the room the end of a name may take: capitals are wider. */
const END = 0.7;

/** Half open; empty, at the end, where nothing is found. */
export function hitOf(name: string, search: string): readonly [number, number] {
  const wanted = search.trim().toLowerCase();
  const at = wanted === "" ? -1 : name.toLowerCase().indexOf(wanted);
  return at < 0 ? [name.length, name.length] : [at, at + wanted.length];
}

/**
 * What stands from here on is always in sight; what stands before gives way. The end begins with what
 * was searched for where there is room for that.
 */
export function cutOf(name: string, room: number, [hit]: readonly [number, number]): number {
  const letters = Math.max(1, Math.floor((room * END) / LETTER));
  const cut = Math.max(0, name.length - letters);
  return hit < cut && name.length - hit <= room / LETTER - 2 ? hit : cut;
}
