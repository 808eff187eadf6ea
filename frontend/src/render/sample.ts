/**
 * One example of an input as what it is: a picture, a signal whose lines run from left to right, or a
 * vector as a small matrix. All sizes are in CSS pixels, or in values where it says so.
 */
import { minMax } from "./limits";
import { lineOf } from "./lines";
import { type PlaneStack, stackOf, TileSource } from "./planes";

type SampleForm = "picture" | "signal" | "vector";

/** More channels than this are no lines but rows of colours. */
const MOST_LINES = 4;
/** Planes of one value are a vector's numbers, planes of one row a signal's course. */
export function formOf({ width, height }: PlaneStack): SampleForm {
  if (width * height === 1) return "vector";
  return Math.min(width, height) === 1 ? "signal" : "picture";
}

/** Whether a vector's numbers are whole, as those of tokens: they stand in one row, in their order. */
export function isRow(stack: PlaneStack): boolean {
  return formOf(stack) === "vector" && stack.whole === true;
}

/** The values of a vector in rows, as nearly square as their number allows. */
export function matrixShape(count: number): { readonly columns: number; readonly rows: number } {
  const columns = Math.max(1, Math.ceil(Math.sqrt(count)));
  return { columns, rows: Math.ceil(count / columns) };
}

/** A signal of many channels, or a vector, as the picture that is painted for it. */
export function pictureOf(source: TileSource): TileSource {
  const { planes, width, height, values, offset, stride, scale } = source.stack;
  const form = formOf(source.stack);
  if (form === "picture") return source;
  const length = width * height;
  const { columns, rows } = isRow(source.stack)
    ? { columns: planes, rows: 1 }
    : form === "vector"
      ? matrixShape(planes)
      : { columns: length, rows: planes };
  const whole = new Float32Array(columns * rows);
  for (let plane = 0; plane < planes; plane++) {
    source.prepare(plane);
    const start = offset + plane * stride;
    whole.set(values.subarray(start, start + length), plane * length);
  }
  return new TileSource(stackOf(whole, { planes: 1, width: columns, height: rows, scale }));
}

/** Whether a sample is drawn as lines. */
export function isLines({ stack }: TileSource): boolean {
  return formOf(stack) === "signal" && stack.planes <= MOST_LINES;
}

/** The course of each channel under one scale, minimum to maximum of all. */
export function linesOf(source: TileSource, width: number, height: number) {
  const span = minMax(source.extentOfAll());
  return Array.from({ length: source.stack.planes }, (_, plane) =>
    lineOf(source, plane, { width, height }, span),
  );
}
