/** Which positions of attention scores, or of a sequence, are patches of a picture, by the shapes alone. */
import type { LayerView } from "./answers";
import { isAttention } from "./channels";

export interface PatchGrid {
  readonly rows: number;
  readonly columns: number;
  /** Positions before the patches that stand for none: class tokens and registers. */
  readonly skipped: number;
}

/** None, a class token, one more for distillation, a class token with four registers. */
const SKIPPED = [0, 1, 2, 5];
const FEWEST = 4;

const seen = new WeakMap<LayerView, LayerView>();

/** What is looked at of the patches alone: the scores of a class token, often far larger, are left out. */
export function amongPatches(view: LayerView, { rows, columns, skipped }: PatchGrid): LayerView {
  const known = skipped === 0 ? view : seen.get(view);
  if (known) return known;
  const [keys, queries] = [rows * columns, view.channels * (rows * columns + skipped)];
  const values = new Float32Array(queries * keys);
  for (let query = 0; query < queries; query++) {
    const end = (query + 1) * (keys + skipped);
    values.set(view.values.subarray(end - keys, end), query * keys);
  }
  const spatial = [keys + skipped, keys];
  const part = { ...view, values, spatial, planeSize: keys * (keys + skipped) };
  seen.set(view, part);
  return part;
}

/**
 * The grid of patches of self-attention over a picture of so many pixels, in the picture's own proportion;
 * null where the number of positions makes none.
 */
export function patchesOf(
  view: Pick<LayerView, "tag" | "spatial">,
  picture: { readonly width: number; readonly height: number },
): PatchGrid | null {
  const [queries = 0, keys = 0] = view.spatial;
  if (!isAttention(view) || view.spatial.length !== 2 || queries !== keys) return null;
  return gridOf(keys, picture);
}

/** The grid that so many positions make of a picture; null where they make none. */
export function gridOf(
  positions: number,
  picture: { readonly width: number; readonly height: number },
): PatchGrid | null {
  for (const skipped of SKIPPED) {
    const count = positions - skipped;
    const columns = Math.round(Math.sqrt((count * picture.width) / picture.height));
    const rows = count / columns;
    const even = Number.isInteger(rows) && rows * picture.width === columns * picture.height;
    if (count >= FEWEST && even) return { rows, columns, skipped };
  }
  return null;
}
