/** Attention over the input: where the shown example has a picture that the positions are patches of. */
import { type PatchGrid, patchesOf } from "../data/patches";
import type { TileSource } from "../render/planes";
import { formOf } from "../render/sample";
import { markPixel } from "./actions";
import { inputOf } from "./over";
import type { Store } from "./store";

export interface Patches extends PatchGrid {
  readonly picture: TileSource;
}

/** Null where the layer is none of patches; the mean over examples is over no one picture. */
export function patchesIn(store: Store): Patches | null {
  const view = store.view.value;
  const picture = view && !view.pool ? inputOf(store, view) : null;
  if (!view || !picture || formOf(picture.stack) !== "picture") return null;
  const grid = patchesOf(view, picture.stack);
  return grid && { ...grid, picture };
}

/** The same, where attention is shown over the input. */
export function patchesShown(store: Store): Patches | null {
  return store.form.value === "over" ? patchesIn(store) : null;
}

/** The position whose row is shown: the marked one, else the first patch. */
export function queryIn(store: Store, { skipped }: PatchGrid): number {
  return store.pixel.value?.y ?? skipped;
}

/** Where a position stands among the patches; null: it is none. */
export function patchAt({ columns, skipped }: PatchGrid, position: number) {
  const patch = position - skipped;
  return patch < 0 ? null : { x: patch % columns, y: Math.floor(patch / columns) };
}

/** The query as a key of itself: where nothing is pointed at, the patch that looks is marked. */
export function chooseQuery(store: Store, position: number): void {
  markPixel(store, { x: position, y: position, z: 0 });
}
