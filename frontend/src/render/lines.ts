/** The course of a signal as a line: over a part of its positions, under one span of values. */
import type { ColormapName, Span } from "../data/choices";
import { marksOf } from "./colormap";
import { formatValue } from "./format";
import type { TileSource } from "./planes";

/** Above and below the lines, in CSS pixels. */
const PAD = 1.5;

interface Box {
  readonly width: number;
  readonly height: number;
}

/** The positions from `x` on, so many of them: all of a signal, or what is looked at. */
export interface Stretch {
  readonly x: number;
  readonly width: number;
}

interface Line {
  /** As an SVG path; it breaks where no value is finite. */
  readonly path: string;
  /** A stroke at each place with a NaN, +Inf (its upper half), −Inf (its lower half). */
  readonly marks: readonly [string, string, string];
}

/** From the bottom up. What lies far outside is cut there, so that no coordinate overflows. */
export function heightOf(value: number, { lo, hi }: Span, height: number): number {
  const y = height - PAD - ((value - lo) / (hi - lo)) * (height - 2 * PAD);
  return Math.min(2 * height, Math.max(-height, y));
}

/** The first `n` positions of a plane as a stretch. */
export function allOf({ stack }: TileSource): Stretch {
  return { x: 0, width: stack.width * stack.height };
}

/**
 * The line of a plane in CSS pixels. Each value stands in the middle of its position; where values are
 * more than pixels, each pixel has their whole extent, so that no peak vanishes.
 */
export function lineOf(
  source: TileSource,
  plane: number,
  { width, height }: Box,
  span: Span,
  part: Stretch = allOf(source),
): Line {
  source.prepare(plane);
  const { values, scale, offset, stride } = source.stack;
  const start = offset + plane * stride;
  const first = Math.floor(part.x);
  const count = Math.min(allOf(source).width, Math.ceil(part.x + part.width)) - first;
  const buckets = Math.min(count, Math.max(1, Math.floor(width)));
  const y = (value: number) => heightOf(value * scale, span, height).toFixed(1);
  let [path, nan, up, down, pen] = ["", "", "", "", "M"];
  for (let i = 0; i < buckets; i++) {
    const from = first + Math.floor((i * count) / buckets);
    const to = first + Math.floor(((i + 1) * count) / buckets);
    const x = ((((from + to) / 2 - part.x) / part.width) * width).toFixed(1);
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const found = new Set<number>();
    for (let at = start + from; at < start + to; at++) {
      const value = values[at] as number;
      if (value - value !== 0) found.add(value);
      else {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    if (found.has(Number.NaN)) nan += `M${x} 0V${height}`;
    if (found.has(Number.POSITIVE_INFINITY)) up += `M${x} 0V${height / 2}`;
    if (found.has(Number.NEGATIVE_INFINITY)) down += `M${x} ${height / 2}V${height}`;
    if (low > high) {
      pen = "M";
      continue;
    }
    // A value between two that are not finite is a dot.
    path += `${pen}${x} ${y(low)}${pen === "M" ? "h.1" : ""}`;
    if (high > low) path += `V${y(high)}`;
    pen = "L";
  }
  return { path, marks: [nan, up, down] };
}

export interface Ink {
  readonly line: string;
  /** Of the line at zero. */
  readonly zero: string;
}

/** The colours in which lines are drawn on an element. */
export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  return { line: style.color, zero: style.getPropertyValue("--border") };
}

interface Course {
  readonly source: TileSource;
  readonly plane: number;
}

/**
 * Draws lines under one span into the corner of a canvas, and where zero is. The first is solid, one
 * that it is compared with dashed; what is not finite has the colours that the map has for it.
 */
export function drawLines(
  context: CanvasRenderingContext2D,
  courses: readonly Course[],
  box: Box,
  span: Span,
  ink: Ink,
  colormap: ColormapName,
  part?: Stretch,
): void {
  context.save();
  context.beginPath();
  context.rect(0, 0, box.width, box.height);
  context.clip();
  const stroke = (path: string, color: string, width: number, dash: number[] = []) => {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.stroke(new Path2D(path));
  };
  if (span.lo < 0 && span.hi > 0) {
    const zero = Math.round(heightOf(0, span, box.height)) + 0.5;
    stroke(`M0 ${zero}H${box.width}`, ink.zero, 0.5);
  }
  context.lineCap = "round";
  context.lineJoin = "round";
  courses.forEach(({ source, plane }, i) => {
    const { path, marks } = lineOf(source, plane, box, span, part);
    const { nan, positive, negative } = marksOf(colormap);
    [nan, positive, negative].forEach((color, kind) => {
      stroke(marks[kind]!, color, 2);
    });
    stroke(path, ink.line, 1.5, i > 0 ? [2, 4] : []);
  });
  context.restore();
}

/** Round numbers from `lo` to `hi`, about `most` of them, no nearer to each other than `least`. */
export function ticksOf({ lo, hi }: Span, most: number, least = 0): readonly number[] {
  const apart = (hi - lo) / most;
  const unit = 10 ** Math.floor(Math.log10(apart));
  const step = Math.max(least, unit * [1, 2, 5, 10].find((n) => n * unit >= apart * (1 - 1e-9))!);
  const from = Math.ceil(lo / step - 1e-9);
  const count = Math.floor(hi / step + 1e-9) - from + 1;
  return Number.isFinite(count) ? Array.from({ length: count }, (_, i) => (from + i) * step) : [];
}

/** Ticks in words, all with as few decimals as none of them loses anything by: 0, 0.2, 0.4. */
export function tickTexts(ticks: readonly number[], reach: number): readonly string[] {
  let texts = ticks.map((value) => formatValue(value, reach, 3));
  const spare = () =>
    texts.some((text) => text !== "0") && texts.every((text) => /^0$|\.\d*0$/.test(text));
  while (spare()) texts = texts.map((text) => (text === "0" ? text : text.replace(/\.?0$/, "")));
  return texts;
}
