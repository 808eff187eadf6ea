/** What a cell says of its channel: to the eye, on hover, to a screen reader. Writes only what changed. */
import type { CellMark } from "./marks";

/** Stands before the number of a pinned channel. */
export const PIN = "◆";

export function describeCell(
  cell: HTMLElement,
  {
    name,
    mark,
    selected,
    pinned,
  }: { name: string; mark: CellMark; selected: boolean; pinned: boolean },
): void {
  setAttribute(cell, "class", `cell ${mark.kind}${pinned ? " pinned" : ""}`);
  setAttribute(cell, "aria-label", name);
  const said = mark.text && `${mark.text}: ${mark.evidence}`;
  setAttribute(cell, "aria-description", pinned ? `pinned ${said}` : said);
  setAttribute(cell, "title", mark.evidence && `${name}: ${mark.evidence}`);
  setAttribute(cell, "aria-selected", String(selected));
  setAttribute(cell, "tabindex", selected ? "0" : "-1");
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
