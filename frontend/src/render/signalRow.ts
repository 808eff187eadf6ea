/** One channel of a signal in CSS pixels: its line, or its values as colours with numbers where they fit. */
import type { Span } from "../data/choices";
import { drawLines, type Ink, type Stretch } from "./lines";
import { startNumbers, writeValues } from "./numbers";
import type { TileSource } from "./planes";
import type { Shown } from "./shown";
import { paintCanvas } from "./strip";
import { affineOf } from "./window";

interface RowSize {
  readonly lines: boolean;
  readonly width: number;
  readonly height: number;
  /** Positions averaged into one cell of a matrix, and how wide that is. */
  readonly reduce: number;
  readonly cell: number;
}

/** Cells this large, each way, have their value written in. */
const NUMBERED = 32;

interface RowPicture {
  readonly shown: Shown;
  readonly limits: Span;
  /** What is shown and what stands beside it, each with its plane of the channel. */
  readonly sides: readonly { readonly source: TileSource; readonly plane: number }[];
  /** How a 0 is written. */
  readonly zero: (source: TileSource) => string;
  readonly ink: Ink;
  readonly part?: Stretch;
}

/** The planes of a channel on the two sides. */
export function sidesOf({ source, other }: Shown, beside: TileSource | null, position: number) {
  const plane = beside ? other?.at(position) : undefined;
  const own = { source, plane: position };
  return beside && plane !== undefined ? [own, { source: beside, plane }] : [own];
}

const scratch = () => document.createElement("canvas");

export function drawRow(context: CanvasRenderingContext2D, row: RowPicture, size: RowSize): void {
  const { sides, limits, shown, ink, part } = row;
  const { width, height, cell } = size;
  if (size.lines) {
    drawLines(context, sides, size, limits, ink, shown.colormap, part);
    return;
  }
  sides.forEach(({ source, plane }, i) => {
    const affine = affineOf(limits, source.stack.scale);
    const canvas = scratch();
    paintCanvas(canvas, source, plane, affine, shown.lut, size.reduce);
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, i * height, width, height);
    if (Math.min(cell, height) < NUMBERED) return;
    const digits = startNumbers(context, cell);
    const own = { source, position: plane, limits, affine, lut: shown.lut, digits };
    const written = { ...own, zero: row.zero(source) };
    for (let x = 0; x < source.stack.width; x++) {
      const box = { middle: (x + 0.5) * cell, top: i * height, width: cell, height };
      writeValues(context, written, x, 0, box);
    }
  });
}

/** Empties a canvas of so many CSS pixels, as fine as the screen. */
export function startCanvas(
  canvas: HTMLCanvasElement,
  { width, height }: { readonly width: number; readonly height: number },
): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context?.scale(ratio, ratio);
  return context;
}
