/** Spans of true values that limits are made of: of one extent, about zero, over all steps. */
import { STAT_COLUMNS } from "../data/answers";
import type { Span } from "../data/choices";
import type { Extent } from "./planes";

/** Span of some width for any extent: a constant spans from zero to itself, nothing from 0 to 1. */
export function limitsOf(lo: number, hi: number): Span {
  if (!(Number.isFinite(lo) && Number.isFinite(hi))) return { lo: 0, hi: 1 };
  if (lo < hi) return { lo, hi };
  if (lo === 0) return { lo: 0, hi: 1 };
  return lo > 0 ? { lo: 0, hi: lo } : { lo, hi: 0 };
}

export function symmetric({ lo, hi }: Span): Span {
  const reach = Math.max(Math.abs(lo), Math.abs(hi));
  return { lo: -reach, hi: reach };
}

/** From the smallest to the largest of the spans that are one; NaN where none is. */
export function unionOf(spans: readonly Span[]): Span {
  const known = spans.filter(({ lo, hi }) => lo <= hi);
  if (known.length === 0) return { lo: Number.NaN, hi: Number.NaN };
  return { lo: Math.min(...known.map(({ lo }) => lo)), hi: Math.max(...known.map(({ hi }) => hi)) };
}

export function minMax(extent: Extent): Span {
  return limitsOf(extent.min, extent.max);
}

/** Smallest and largest value over all steps, of each channel of the layer and of the layer. */
export interface LockedLimits {
  readonly channels: readonly (Span | null)[];
  readonly layer: Span | null;
}

/**
 * Span from the statistics of many steps, `[channels, 6]` for each, where a step may have fewer
 * channels than another. They are widened to the 11 bits that half precision keeps, so that the
 * largest stored value does not count as clipped.
 */
export function lockedLimits(rows: readonly Float32Array[]): LockedLimits {
  const channels = rows.reduce((most, row) => Math.max(most, row.length), 0) / STAT_COLUMNS;
  const lo = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
  const hi = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
  for (const row of rows) {
    for (let channel = 0, i = 0; i < row.length; channel++, i += STAT_COLUMNS) {
      const [min, max] = [row[i] as number, row[i + 1] as number];
      if (Number.isFinite(min) && min < (lo[channel] as number)) lo[channel] = min;
      if (Number.isFinite(max) && max > (hi[channel] as number)) hi[channel] = max;
    }
  }
  const known = (low: number, high: number): Span | null =>
    low <= high ? { lo: outward(low, Math.floor), hi: outward(high, Math.ceil) } : null;
  return {
    channels: Array.from(lo, (low, c) => known(low, hi[c] as number)),
    layer: known(
      lo.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
      hi.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    ),
  };
}

function outward(value: number, round: (n: number) => number): number {
  if (value === 0) return 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 10);
  return round(value / unit) * unit;
}
