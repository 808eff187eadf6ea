/**
 * One band of a matrix: a column for each channel, a row for each position (or example), and where two
 * are compared the second under the first, one empty row between them.
 */
import { startNumbers, writeValues } from "./numbers";
import type { TileSource } from "./planes";
import type { Shown } from "./shown";
import { paintColumn } from "./strip";
import { affineOf } from "./window";

interface BandPicture {
  readonly shown: Shown;
  /** Positions of the channels, from left to right. */
  readonly positions: readonly number[];
  /** One a part, from above; null where its values are not here. One window holds for all. */
  readonly sources: readonly (TileSource | null)[];
  /** How a 0 of a channel is written on the side of a source. */
  readonly zero: (position: number, source: TileSource) => string;
}

interface BandGeometry {
  /** CSS pixels of a cell, each way. */
  readonly cell: number;
  /** Rows painted of each part; so many positions are averaged into one. */
  readonly rows: number;
  readonly reduce: number;
  readonly parts: number;
  /** CSS pixels of the whole. */
  readonly height: number;
}

/** Paints the cells, one canvas pixel each. */
export function paintBand(
  canvas: HTMLCanvasElement,
  { shown, positions, sources }: BandPicture,
  { rows, reduce, parts }: BandGeometry,
): void {
  const width = positions.length;
  if (canvas.width !== width) canvas.width = width;
  const height = rows * parts + parts - 1;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  sources.forEach((whole, part) => {
    if (!whole) return;
    const source = whole.reduced(reduce);
    const target = { pixels: pixels.subarray(part * (rows + 1) * width), stride: width };
    const filled = Math.min(rows, source.stack.width);
    positions.forEach((position, x) => {
      if (position >= source.stack.planes) return;
      const affine = affineOf(shown.table.limits(position), source.stack.scale);
      paintColumn(target, x, filled, source, position, affine, shown.lut);
    });
  });
  context.putImageData(image, 0, 0);
}

/** Writes the values into the cells, on a canvas as fine as the screen, or of `ratio` pixels for one. */
export function numberBand(
  canvas: HTMLCanvasElement,
  { shown, positions, sources, zero }: BandPicture,
  { cell, rows, height }: BandGeometry,
  ratio = window.devicePixelRatio || 1,
): void {
  const context = sized(canvas, positions.length * cell, height, ratio);
  if (!context) return;
  const digits = startNumbers(context, cell);
  sources.forEach((source, part) => {
    positions.forEach((position, column) => {
      if (!source) return;
      const limits = shown.table.limits(position);
      const affine = affineOf(limits, source.stack.scale);
      const own = { source, position, zero: zero(position, source) };
      const written = { ...own, limits, affine, lut: shown.lut, digits };
      for (let row = 0; row < Math.min(rows, source.stack.width); row++) {
        const [middle, top] = [(column + 0.5) * cell, (part * (rows + 1) + row) * cell];
        writeValues(context, written, row, 0, { middle, top, width: cell, height: cell });
      }
    });
  });
}

function sized(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  ratio: number,
): CanvasRenderingContext2D | null {
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context?.scale(ratio, ratio);
  return context;
}
