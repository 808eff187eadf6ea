/** Attention over the input: where the shown example has a picture that the positions are patches of. */
import { type PatchGrid, patchesOf } from "../data/patches";
import type { TileSource } from "../render/planes";
import { formOf } from "../render/sample";
import { inputOf, type Seen } from "./over";

export interface Patches extends PatchGrid {
  readonly picture: TileSource;
}

/** Null where the layer is none of patches; the mean over examples is over no one picture. */
export function patchesIn(store: Seen): Patches | null {
  const view = store.view.value;
  const picture = view && !view.pool ? inputOf(store, view) : null;
  if (!view || !picture || formOf(picture.stack) !== "picture") return null;
  const grid = patchesOf(view, picture.stack);
  return grid && { ...grid, picture };
}

/** The same, where attention is shown over the input. */
export function patchesShown(store: Seen): Patches | null {
  return store.form.value === "over" ? patchesIn(store) : null;
}

/** The position whose row is shown: the marked one, else the first patch. */
export function queryIn(store: Pick<Seen, "pixel">, { skipped }: PatchGrid): number {
  return store.pixel.value?.y ?? skipped;
}

/** Where a position stands among the patches; null: it is none. */
export function patchAt({ columns, skipped }: PatchGrid, position: number) {
  const patch = position - skipped;
  return patch < 0 ? null : { x: patch % columns, y: Math.floor(patch / columns) };
}

/** As "row 1, column 2", or "0, no patch". */
export function placeOf(patches: PatchGrid, query: number): string {
  const place = patchAt(patches, query);
  return place ? `row ${place.y}, column ${place.x}` : `${query}, no patch`;
}
