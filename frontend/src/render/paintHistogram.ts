/** A histogram as bars and outline, with the two ends of the window on it. */
import type { Span } from "../data/choices";
import { type Histogram as Counts, heightsOf } from "./histogram";

export const BINS = 132;
const COLOURS = ["--red", "--green", "--blue"];
const HEIGHT = 52;
const DASHES = [3, 2];
/** Room at either side, so that an end at the edge can be seen and taken. */
const MARGIN = 8;

export interface Counted {
  readonly all: Counts;
  /** Of the selected channel, or of each colour of a picture. */
  readonly selected: readonly Counts[];
  /** The same of what it is compared with. */
  readonly other: readonly Counts[];
}

/** Where a value stands on a histogram so wide, held within its margins. */
export function toX(value: number, span: Span, width: number): number {
  const inner = width - 2 * MARGIN;
  const x = MARGIN + ((value - span.lo) / (span.hi - span.lo)) * inner;
  return Math.min(width - MARGIN, Math.max(MARGIN, x));
}

/** The value at a place of a histogram so wide. */
export function toValue(x: number, span: Span, width: number): number {
  return span.lo + ((x - MARGIN) / (width - 2 * MARGIN)) * (span.hi - span.lo);
}

/** What is painted: counts over a span of values, and the window's limits on it. */
interface HistogramPicture {
  /** CSS pixels. */
  readonly width: number;
  readonly span: Span;
  readonly limits: Span;
  /** The one value of all; null where they differ. */
  readonly only: number | null;
  readonly counted: Counted | null;
  readonly linear: boolean;
}

/** Paints the picture at its width; the colours are those of the canvas's style. */
export function paintHistogram(canvas: HTMLCanvasElement, picture: HistogramPicture): void {
  const ratio = window.devicePixelRatio || 1;
  const { width } = picture;
  const pixels = [Math.round(width * ratio), Math.round(HEIGHT * ratio)] as const;
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) {
    [canvas.width, canvas.height] = pixels;
  }
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, HEIGHT);
  const style = getComputedStyle(canvas);
  const color = (name: string) => style.getPropertyValue(name).trim() || "#888";
  const [lo, hi] = [
    toX(picture.limits.lo, picture.span, width),
    toX(picture.limits.hi, picture.span, width),
  ];
  context.fillStyle = color("--well");
  context.fillRect(MARGIN, 0, width - 2 * MARGIN, HEIGHT);
  if (picture.counted) paintCounts(context, picture, picture.counted, color);
  paintEnds(context, lo, hi, color);
}

function paintCounts(
  context: CanvasRenderingContext2D,
  picture: HistogramPicture,
  counted: Counted,
  color: (name: string) => string,
): void {
  const { width, span, linear } = picture;
  const top = HEIGHT - 2;
  const edge = (counts: Counts, i: number): number =>
    toX(counts.span.lo + ((counts.span.hi - counts.span.lo) * i) / BINS, span, width);
  context.fillStyle = color("--secondary");
  context.globalAlpha = 0.55;
  heightsOf(counted.all.counts, linear).forEach((height, i) => {
    if (height === 0) return;
    const tall = Math.max(1, height * top);
    const [from, to] = [edge(counted.all, i), edge(counted.all, i + 1)];
    context.fillRect(from, HEIGHT - tall, to - from + 0.25, tall);
  });
  context.globalAlpha = 1;
  context.lineWidth = 1;
  if (picture.only !== null) {
    paintOnly(context, toX(picture.only, span, width), color);
    return;
  }
  const outline = (counts: Counts, plane: number, { length }: readonly Counts[]): void => {
    context.strokeStyle = color(length > 1 ? COLOURS[plane]! : "--text");
    context.beginPath();
    heightsOf(counts.counts, linear).forEach((height, i) => {
      const y = HEIGHT - (height > 0 ? Math.max(1, height * top) : 0) + 0.5;
      if (i === 0) context.moveTo(edge(counts, 0), y);
      else context.lineTo(edge(counts, i), y);
      context.lineTo(edge(counts, i + 1), y);
    });
    context.stroke();
  };
  counted.selected.forEach(outline);
  context.setLineDash(DASHES);
  counted.other.forEach(outline);
  context.setLineDash([]);
}

/** The bar of a single value: wide enough to be seen beside an end of the window. */
function paintOnly(
  context: CanvasRenderingContext2D,
  x: number,
  color: (name: string) => string,
): void {
  if (Number.isNaN(x)) return;
  const bar = [Math.round(x) - 6, 8, 12, HEIGHT] as const;
  context.fillStyle = color("--secondary");
  context.fillRect(...bar);
  context.strokeStyle = color("--text");
  context.strokeRect(bar[0] + 0.5, bar[1] + 0.5, bar[2] - 1, bar[3]);
}

function paintEnds(
  context: CanvasRenderingContext2D,
  lo: number,
  hi: number,
  color: (name: string) => string,
): void {
  for (const [x, inwards] of [
    [lo, 1],
    [hi, -1],
  ] as const) {
    context.strokeStyle = color("--panel");
    context.lineWidth = 4;
    context.strokeRect(x, 0, 0, HEIGHT);
    context.strokeStyle = color("--accent-text");
    context.fillStyle = color("--accent-text");
    context.lineWidth = 2;
    context.strokeRect(x, 0, 0, HEIGHT);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x + 7 * inwards, 0);
    context.lineTo(x, 7);
    context.fill();
  }
}
