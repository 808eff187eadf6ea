/**
 * A map over the input that it explains: the input in grey, each value's colour as opaque as it is large,
 * so that zero shows the picture.
 */
import { FIRST_SHADE, type Lut, SHADES } from "./colormap";
import { minMax } from "./limits";
import { stackOf, TileSource } from "./planes";
import { entryOf } from "./strip";
import type { Affine } from "./window";

export interface Over {
  /** Of as many rows and columns as the map. */
  readonly input: TileSource;
  /** Of the largest values, 0 to 1. */
  readonly opacity: number;
}

/** The eye's weights of red, green and blue (ITU-R BT.601). */
const WEIGHTS = [0.299, 0.587, 0.114] as const;
const MIDDLE = FIRST_SHADE + SHADES / 2;
/**
 * The shade of each sign: the ends of the map are too dark to be seen over black, and how large a value
 * is, its opacity says.
 */
const TINT = Math.round(0.35 * SHADES);

/** Grey levels of an input, 0 to 255, minimum to maximum of all its channels; NaN where it is not finite. */
function greyOf(input: TileSource): Float32Array {
  const { planes, width, height, values, offset, stride, scale } = input.stack;
  const { lo, hi } = minMax(input.extentOfAll());
  const weights = planes === 3 ? WEIGHTS : [1];
  const grey = new Float32Array(width * height);
  weights.forEach((weight, plane) => {
    input.prepare(plane);
    const start = offset + plane * stride;
    for (let i = 0; i < grey.length; i++) {
      const share = (values[start + i]! * scale - lo) / (hi - lo);
      grey[i] = grey[i]! + weight * 255 * share;
    }
  });
  return grey;
}

const greys = new WeakMap<TileSource, TileSource>();

/** An input in grey as a plane of its own, of values from 0 to 255; made once. */
export function greyPicture(input: TileSource): TileSource {
  const { width, height } = input.stack;
  const kept =
    greys.get(input) ?? new TileSource(stackOf(greyOf(input), { planes: 1, height, width }));
  greys.set(input, kept);
  return kept;
}

/** Paints a plane over the input, with its upper left corner at x, 0. */
export function paintOver(
  target: { readonly pixels: Uint32Array; readonly stride: number },
  left: number,
  map: TileSource,
  plane: number,
  window: Affine,
  lut: Lut,
  { input, opacity }: Over,
  replicate = 1,
): void {
  map.prepare(plane);
  const grey = greyPicture(input).stack.values;
  const { values, width, height, offset, stride } = map.stack;
  const start = offset + plane * stride;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const color = blended(values[start + i]!, grey[i]!, window, lut, opacity);
      for (let v = 0; v < replicate; v++) {
        const line = (y * replicate + v) * target.stride + left + x * replicate;
        target.pixels.fill(color, line, line + replicate);
      }
    }
  }
}

/** The colour of one pixel, as `paintOver` paints it. */
export function colourOver(
  map: TileSource,
  plane: number,
  { x, y }: { readonly x: number; readonly y: number },
  window: Affine,
  lut: Lut,
  { input, opacity }: Over,
): number {
  map.prepare(plane);
  const { values, width, offset, stride } = map.stack;
  const i = y * width + x;
  return blended(
    values[offset + plane * stride + i]!,
    greyPicture(input).stack.values[i]!,
    window,
    lut,
    opacity,
  );
}

function blended(q: number, grey: number, window: Affine, lut: Lut, opacity: number): number {
  const entry = entryOf(q, window);
  const color = lut[entry]!;
  // What is not finite is not seen through.
  if (!Number.isFinite(q) || Number.isNaN(grey)) return color;
  const strength = (q * window.a + window.b - MIDDLE) / (SHADES / 2);
  const alpha = opacity * Math.min(1, Math.abs(strength));
  const sign = lut[MIDDLE + Math.sign(strength) * TINT]!;
  return mixed(() => grey, sign, alpha);
}

/** A packed colour over what lies below it, 0 to 255 by the shift of a channel; the result is opaque. */
export function mixed(below: (shift: number) => number, over: number, alpha: number): number {
  const level = (shift: number) => {
    const under = below(shift);
    return Math.round(under + (((over >> shift) & 255) - under) * alpha);
  };
  return ((255 << 24) | (level(16) << 16) | (level(8) << 8) | level(0)) >>> 0;
}

/** The same on a canvas of its own, at native (or averaged) size. */
export function paintCanvasOver(
  canvas: HTMLCanvasElement,
  map: TileSource,
  plane: number,
  window: Affine,
  lut: Lut,
  over: Over,
  reduce = 1,
): void {
  const small = map.reduced(reduce);
  const input = over.input.reduced(reduce);
  const { width, height } = small.stack;
  const context = canvas.getContext("2d");
  if (!context || width === 0 || height === 0) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const image = context.createImageData(width, height);
  const target = { pixels: new Uint32Array(image.data.buffer), stride: width };
  paintOver(target, 0, small, plane, window, lut, { ...over, input });
  context.putImageData(image, 0, 0);
}
