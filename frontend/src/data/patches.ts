/** Which positions of attention scores are patches of a picture, by the shapes alone. */
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
  for (const skipped of SKIPPED) {
    const count = keys - skipped;
    const columns = Math.round(Math.sqrt((count * picture.width) / picture.height));
    const rows = count / columns;
    const even = Number.isInteger(rows) && rows * picture.width === columns * picture.height;
    if (count >= FEWEST && even) return { rows, columns, skipped };
  }
  return null;
}
