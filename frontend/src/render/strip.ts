/**
 * Values → pixels: one native-size canvas for each row of tiles, which CSS scales.
 *
 * The inner loop is `out = lut[clamp(q · a + b)]` with q as stored: window and range live in a and b,
 * so that a narrow window never bands. NaN fails both comparisons and `NaN | 0` is entry 0.
 */
import { RGB } from "../data/channels";
import {
  ABOVE_ENTRY,
  BELOW_ENTRY,
  FIRST_SHADE,
  LAST_SHADE,
  type Lut,
  NAN_ENTRY,
  NEGATIVE_INFINITY_ENTRY,
  POSITIVE_INFINITY_ENTRY,
} from "./colormap";
import type { TileSource } from "./planes";
import type { Affine } from "./window";

/** How a plane becomes a tile; pixels of the canvas unless the name says CSS. */
export interface StripGeometry {
  /** Source pixels averaged into one, each way. */
  readonly reduce: number;
  /** Canvas pixels for one (averaged) source pixel, each way. */
  readonly replicate: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly gap: number;
  /** CSS pixels for one canvas pixel. */
  readonly cssPerPixel: number;
  readonly tileCssWidth: number;
  readonly tileCssHeight: number;
  readonly gapCss: number;
}

const GAP = 8;
const COARSEST = 6;

/**
 * The geometry for planes shown `tileCss` pixels wide, a multiple or a whole fraction of their width.
 * Where one source pixel would be so large that no gap near 8 px is a whole number of them, the canvas
 * holds each several times.
 */
export function stripGeometry(
  width: number,
  height: number,
  tileCss: number,
  pixelRatio = 1,
): StripGeometry {
  const reduce = Math.max(1, Math.ceil(width / Math.max(1, Math.floor(tileCss * pixelRatio))));
  const cells = Math.ceil(width / reduce);
  const zoom = tileCss / cells;
  const replicate = replication(zoom);
  const cssPerPixel = zoom / replicate;
  const gap = Math.max(1, Math.round(GAP / cssPerPixel));
  const tileWidth = cells * replicate;
  const tileHeight = Math.ceil(height / reduce) * replicate;
  return {
    reduce,
    replicate,
    tileWidth,
    tileHeight,
    gap,
    cssPerPixel,
    tileCssWidth: tileWidth * cssPerPixel,
    tileCssHeight: tileHeight * cssPerPixel,
    gapCss: gap * cssPerPixel,
  };
}

function replication(zoom: number): number {
  if (zoom <= COARSEST || zoom !== Math.round(zoom)) return 1;
  for (let times = 2; times < zoom; times++) {
    if (zoom % times === 0 && zoom / times <= COARSEST) return times;
  }
  return zoom;
}

/** Where pixels go: packed words, rows of `stride`. */
interface Target {
  readonly pixels: Uint32Array;
  readonly stride: number;
}

/** Paints one plane with its upper left corner at x, y. */
export function paintPlane(
  target: Target,
  x: number,
  y: number,
  source: TileSource,
  plane: number,
  window: Affine,
  lut: Lut,
  replicate = 1,
): void {
  source.prepare(plane);
  const { values, width, height, offset, stride } = source.stack;
  const { a, b, log } = window;
  const infinite = source.nonfinite(plane) > 0;
  const { pixels } = target;
  let from = offset + plane * stride;
  for (let row = 0; row < height; row++) {
    const line = (y + row * replicate) * target.stride + x;
    let to = line;
    for (let end = from + width; from < end; from++) {
      const q = values[from] as number;
      const t = (log ? logOf(q) : q) * a + b;
      const entry = t < BELOW_ENTRY ? BELOW_ENTRY : t > ABOVE_ENTRY ? ABOVE_ENTRY : t;
      const color = (infinite ? lut[markOf(q, entry)] : lut[entry | 0]) as number;
      for (let k = 0; k < replicate; k++) pixels[to++] = color;
    }
    for (let k = 1; k < replicate; k++) {
      pixels.copyWithin(line + k * target.stride, line, line + width * replicate);
    }
  }
}

/** What is not above zero lies below every limit. */
function logOf(q: number): number {
  return Math.log(Math.max(q, 0));
}

/** The entry of the table that stands for a stored value. */
export function entryOf(q: number, { a, b, log }: Affine): number {
  const t = (log ? logOf(q) : q) * a + b;
  return markOf(q, t < BELOW_ENTRY ? BELOW_ENTRY : Math.min(t, ABOVE_ENTRY));
}

function markOf(q: number, entry: number): number {
  if (q === Number.POSITIVE_INFINITY) return POSITIVE_INFINITY_ENTRY;
  if (q === Number.NEGATIVE_INFINITY) return NEGATIVE_INFINITY_ENTRY;
  return Number.isNaN(q) ? NAN_ENTRY : entry | 0;
}

/** Paints the first `rows` values of a plane downwards from x, 0: a column of a matrix. */
export function paintColumn(
  target: Target,
  x: number,
  rows: number,
  source: TileSource,
  plane: number,
  window: Affine,
  lut: Lut,
): void {
  source.prepare(plane);
  const { values, offset, stride } = source.stack;
  const start = offset + plane * stride;
  for (let row = 0; row < rows; row++) {
    const entry = entryOf(values[start + row] as number, window);
    target.pixels[row * target.stride + x] = lut[entry] as number;
  }
}

/**
 * Paints the first three planes as red, green and blue under one window. The table should be a grey
 * one: gamma and inversion act on each colour. A pixel with a non-finite value takes the mark of the
 * first such.
 */
export function paintRgb(
  target: Target,
  x: number,
  y: number,
  source: TileSource,
  window: Affine,
  lut: Lut,
  replicate = 1,
): void {
  for (let plane = 0; plane < 3; plane++) source.prepare(plane);
  const { values, width, height, offset, stride } = source.stack;
  const { pixels } = target;
  let from = offset;
  for (let row = 0; row < height; row++) {
    const line = (y + row * replicate) * target.stride + x;
    let to = line;
    for (let end = from + width; from < end; from++) {
      const red = entryOf(values[from] as number, window);
      const green = entryOf(values[from + stride] as number, window);
      const blue = entryOf(values[from + 2 * stride] as number, window);
      const mark = isMark(red) ? red : isMark(green) ? green : blue;
      const color = isMark(mark)
        ? (lut[mark] as number)
        : (0xff000000 | (level(lut, blue) << 16) | (level(lut, green) << 8) | level(lut, red)) >>>
          0;
      for (let k = 0; k < replicate; k++) pixels[to++] = color;
    }
    for (let k = 1; k < replicate; k++) {
      pixels.copyWithin(line + k * target.stride, line, line + width * replicate);
    }
  }
}

function isMark(entry: number): boolean {
  return entry < BELOW_ENTRY || entry === POSITIVE_INFINITY_ENTRY;
}

/** A byte of one colour. A clipped one is not a mark of the whole pixel: it saturates. */
function level(lut: Lut, entry: number): number {
  return (lut[Math.min(LAST_SHADE, Math.max(FIRST_SHADE, entry))] as number) & 255;
}

/** One canvas that holds a row of tiles; its buffer is kept while the size stays. */
export class RowStrip {
  readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private image: ImageData | null = null;
  private target: Target = { pixels: new Uint32Array(0), stride: 0 };
  private geometry: StripGeometry | null = null;
  private parts = 1;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("this browser offers no 2d canvas");
    this.canvas = canvas;
    this.context = context;
  }

  /** Clears the row for `cells` cells of `parts` tiles each (two when comparing). */
  begin(cells: number, geometry: StripGeometry, background = 0, parts = 1): void {
    this.geometry = geometry;
    this.parts = parts;
    const width = Math.max(1, cells * (geometry.tileWidth * parts + geometry.gap) - geometry.gap);
    const height = Math.max(1, geometry.tileHeight);
    if (!this.image || this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.canvas.style.width = `${width * geometry.cssPerPixel}px`;
      this.canvas.style.height = `${height * geometry.cssPerPixel}px`;
      this.image = this.context.createImageData(width, height);
      this.target = { pixels: new Uint32Array(this.image.data.buffer), stride: width };
    }
    this.canvas.style.width = `${width * geometry.cssPerPixel}px`;
    this.canvas.style.height = `${height * geometry.cssPerPixel}px`;
    this.target.pixels.fill(background);
  }

  /** Paints a plane (or RGB) into part `index % parts` of cell `index / parts`. */
  tile(index: number, source: TileSource, plane: number, window: Affine, lut: Lut): void {
    const { geometry } = this;
    if (!geometry) return;
    const small = source.reduced(geometry.reduce);
    const { replicate } = geometry;
    const x = this.left(index);
    if (plane === RGB) paintRgb(this.target, x, 0, small, window, lut, replicate);
    else paintPlane(this.target, x, 0, small, plane, window, lut, replicate);
  }

  /** As `tile`, by a painter of its own, who is told where its left side is. */
  tileBy(
    index: number,
    paint: (target: Target, left: number, geometry: StripGeometry) => void,
  ): void {
    if (this.geometry) paint(this.target, this.left(index), this.geometry);
  }

  /** Puts what was painted on the canvas. */
  end(): void {
    if (this.image) this.context.putImageData(this.image, 0, 0);
  }

  private left(index: number): number {
    const { tileWidth, gap } = this.geometry as StripGeometry;
    const cell = Math.floor(index / this.parts);
    return cell * (tileWidth * this.parts + gap) + (index % this.parts) * tileWidth;
  }
}

/** Paints one plane (or RGB) on a canvas of its own at native (or averaged) size. */
export function paintCanvas(
  canvas: HTMLCanvasElement,
  source: TileSource,
  plane: number,
  window: Affine,
  lut: Lut,
  reduce = 1,
): void {
  const small = source.reduced(reduce);
  const { width, height } = small.stack;
  const context = canvas.getContext("2d");
  if (!context || width === 0 || height === 0) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const image = context.createImageData(width, height);
  const target = { pixels: new Uint32Array(image.data.buffer), stride: width };
  if (plane === RGB) paintRgb(target, 0, 0, small, window, lut);
  else paintPlane(target, 0, 0, small, plane, window, lut);
  context.putImageData(image, 0, 0);
}
