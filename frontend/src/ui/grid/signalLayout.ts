/**
 * Where the channels of a signal stand: a row for each, its positions from left to right. All in CSS
 * pixels.
 */
import { LABELS } from "./matrixLayout";

export const SIGNAL_SIZES = [12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192] as const;
/** Rows that do not all fit are as high as this. */
const PLAIN = { lines: 32, matrix: 16 };
/** A value's cell is no wider than it needs to be for its number. */
const WIDEST = 48;
const GAP = 8;

export interface SignalLayout {
  readonly lines: boolean;
  /** Of a row's picture; two stand one under the other where matrices are compared. */
  readonly width: number;
  readonly height: number;
  /** From one channel to the next. */
  readonly pitch: number;
  readonly count: number;
  readonly parts: number;
  /** Positions averaged into one cell of a matrix, the cells, and how wide they are. */
  readonly reduce: number;
  readonly cells: number;
  readonly cell: number;
}

interface SignalInput {
  readonly lines: boolean;
  readonly positions: number;
  readonly count: number;
  readonly area: { readonly width: number; readonly height: number };
  readonly wished: number | null;
  readonly parts: number;
}

export function signalLayout(input: SignalInput): SignalLayout {
  const { lines, count, area, wished } = input;
  const near = (side: number) =>
    SIGNAL_SIZES.reduce((a, b) => (Math.abs(b - side) < Math.abs(a - side) ? b : a));
  if (wished !== null) return layoutAt(input, near(wished));
  const fitting = SIGNAL_SIZES.filter((size) => {
    const { pitch, cell } = layoutAt(input, size);
    return count * pitch <= area.height && (lines || size <= Math.max(PLAIN.matrix, cell));
  });
  return layoutAt(input, Math.max(PLAIN[lines ? "lines" : "matrix"], fitting.at(-1) ?? 0));
}

function layoutAt({ lines, positions, count, area, parts }: SignalInput, size: number) {
  const room = Math.max(1, area.width - LABELS);
  const reduce = lines ? 1 : Math.max(1, Math.ceil(positions / room));
  const cells = Math.max(1, Math.ceil(positions / reduce));
  const fit = Math.min(room / cells, WIDEST, Math.max(size, PLAIN.matrix));
  const cell = lines ? room / cells : fit < 2 ? fit : Math.floor(fit);
  const gap = lines ? GAP : parts > 1 ? GAP / 2 : 0;
  const pitch = size * parts + gap;
  return { lines, width: cells * cell, height: size, pitch, count, parts, reduce, cells, cell };
}
