/** Counts of true values in equal bins, over one plane, some planes or all. */
import type { Span } from "../data/choices";
import { runsOf, type TileSource } from "./planes";

export interface Histogram {
  readonly span: Span;
  readonly counts: Uint32Array;
  readonly below: number;
  readonly above: number;
  readonly nonfinite: number;
}

/**
 * Values equal to `hi` belong to the last bin. Non-finite values are counted apart; `planes` null
 * means all.
 */
export function histogramOf(
  source: TileSource,
  span: Span,
  bins: number,
  planes: readonly number[] | null = null,
): Histogram {
  const { stack } = source;
  const counts = new Uint32Array(bins);
  const lo = span.lo / stack.scale;
  const hi = span.hi / stack.scale;
  const factor = bins / (hi - lo);
  let below = 0;
  let above = 0;
  let nonfinite = 0;
  for (let i = 0; i < (planes?.length ?? stack.planes); i++) source.prepare(planes?.[i] ?? i);
  const runs = planes ? planes.flatMap((plane) => runsOf(stack, plane)) : runsOf(stack, null);
  for (const [start, end] of runs) {
    for (let i = start; i < end; i++) {
      const v = stack.values[i] as number;
      if (v >= lo && v <= hi) {
        const bin = ((v - lo) * factor) | 0;
        counts[bin < bins ? bin : bins - 1]!++;
      } else if (v - v !== 0) nonfinite++;
      else if (v < lo) below++;
      else above++;
    }
  }
  return { span, counts, below, above, nonfinite };
}

/** Heights in 0..1: log(1 + n) against the fullest bin, or plain counts. */
export function heightsOf(counts: Uint32Array, linear: boolean): Float64Array {
  const height = (n: number): number => (linear ? n : Math.log1p(n));
  let top = 0;
  for (const n of counts) top = Math.max(top, height(n));
  return Float64Array.from(counts, (n) => (top ? height(n) / top : 0));
}
