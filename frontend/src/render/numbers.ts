/** Values written into pixels that are large enough, black or white by what is under them. */
import type { Span } from "../data/choices";
import type { Lut } from "./colormap";
import { formatCell } from "./format";
import type { TileSource } from "./planes";
import { entryOf } from "./strip";
import type { Affine } from "./window";

export const NUMBER_FONT = 'Roboto, "Helvetica Neue", Arial, sans-serif';

function isLight(word: number): boolean {
  const [r, g, b] = [word & 255, (word >> 8) & 255, (word >> 16) & 255];
  return 0.299 * r + 0.587 * g + 0.114 * b > 140;
}

/** Sets the size of the text for pixels so many CSS pixels wide; answers its digits. */
export function startNumbers(context: CanvasRenderingContext2D, side: number): number {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `${Math.min(11, Math.max(8, Math.round(side / 3.2)))}px ${NUMBER_FONT}`;
  return side >= 44 ? 4 : side >= 34 ? 3 : 2;
}

/** Which values are written, and under which colours they stand. */
interface Written {
  readonly source: TileSource;
  /** Position of a channel, or RGB. */
  readonly position: number;
  readonly limits: Span;
  readonly affine: Affine;
  readonly lut: Lut;
  readonly digits: number;
  /** How zero is written. */
  readonly zero?: string;
  /** What is seen at a pixel, where it is not the value's own colour. */
  readonly under?: (x: number, y: number) => number | undefined;
}

/** Where a pixel stands on the canvas: the middle of its width, and its top. */
interface Box {
  readonly middle: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Writes the value of a pixel into it, squeezed where it is too long; of a colour picture its three,
 * one under the other.
 */
export function writeValues(
  context: CanvasRenderingContext2D,
  of: Written,
  x: number,
  y: number,
  box: Box,
): void {
  const { scale } = of.source.stack;
  const range = Math.max(Math.abs(of.limits.lo), Math.abs(of.limits.hi));
  const values = of.source.values(of.position, x, y);
  const words = values.map((value) => of.lut[entryOf(value / scale, of.affine)] as number);
  const own = words.length > 1 ? packed(words) : (words[0] as number);
  const under = of.under?.(x, y) ?? own;
  context.fillStyle = isLight(under) ? "#000" : "#fff";
  values.forEach((value, i) => {
    const text = formatCell(value, range, of.source.digits(of.digits), of.zero);
    const middle = box.top + ((i + 1) * box.height) / (values.length + 1);
    context.fillText(text, box.middle, middle, box.width - 4);
  });
}

/** The colour of three grey shades as red, green and blue. */
function packed([red = 0, green = 0, blue = 0]: readonly number[]): number {
  return (red & 255) | (green & 0xff00) | (blue & 0xff0000);
}
