/** Attention over the picture whose patches it looks at: each patch's colour, as opaque as it is large. */
import { FIRST_SHADE, type Lut, SHADES } from "./colormap";
import { mixed } from "./overlay";
import { entryOf, type StripGeometry } from "./strip";
import type { Affine } from "./window";

/** How far the largest attention hides the picture. */
const OPAQUE = 0.8;

interface Mosaic {
  readonly rows: number;
  readonly columns: number;
  /** The stored value of a patch, counted row by row. */
  readonly value: (patch: number) => number;
  readonly affine: Affine;
  readonly lut: Lut;
  /** Colours diverge from zero in the middle, which is seen through. */
  readonly diverging: boolean;
}

/** Lays the patches over the tile that is painted already, with its upper left corner at `left`, 0. */
export function paintPatches(
  target: { readonly pixels: Uint32Array; readonly stride: number },
  left: number,
  { tileWidth, tileHeight }: StripGeometry,
  { rows, columns, value, affine, lut, diverging }: Mosaic,
): void {
  const edges = (count: number, size: number) =>
    Array.from({ length: count + 1 }, (_, i) => Math.round((i * size) / count));
  const [across, down] = [edges(columns, tileWidth), edges(rows, tileHeight)];
  for (let patch = 0; patch < rows * columns; patch++) {
    const [column, row] = [patch % columns, Math.floor(patch / columns)];
    const q = value(patch);
    const entry = entryOf(q, affine);
    const shade = Math.min(1, Math.max(0, (entry - FIRST_SHADE) / (SHADES - 1)));
    const share = diverging ? Math.abs(2 * shade - 1) : shade;
    // What is not finite is not seen through.
    const alpha = Number.isFinite(q) ? OPAQUE * share : 1;
    for (let y = down[row]!; y < down[row + 1]!; y++) {
      const line = y * target.stride + left;
      for (let at = line + across[column]!; at < line + across[column + 1]!; at++) {
        const under = target.pixels[at]!;
        target.pixels[at] = mixed((shift) => (under >> shift) & 255, lut[entry]!, alpha);
      }
    }
  }
}
