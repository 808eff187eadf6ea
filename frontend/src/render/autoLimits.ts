/** Limits as ImageJ's Auto finds them: from a histogram, with a share of the pixels left outside. */
import type { Span } from "../data/choices";
import { limitsOf, minMax } from "./limits";
import { type PlaneStack, runsOf, type TileSource } from "./planes";

export const AUTO_LEVELS = 6;
const FIRST_CLIP = 0.0035;
const BINS = 256;
const SAMPLE = 1 << 20;

/** Presses of Auto after the first; past the tightest it starts over. */
export function nextAutoLevel(level: number): number {
  return level + 1 >= AUTO_LEVELS ? 0 : level + 1;
}

/** The share of pixels that Auto leaves outside, both ends together: 0.35 % doubling to 11 %. */
function clipShare(level: number): number {
  return FIRST_CLIP * 2 ** level;
}

interface Bins {
  counts: Uint32Array;
  lowest: Float64Array;
  highest: Float64Array;
}

/** Counts of 256 bins over stored values lo..hi, with the extremes found in each. */
function binned(
  stack: PlaneStack,
  runs: [number, number][],
  step: number,
  lo: number,
  hi: number,
): Bins {
  const counts = new Uint32Array(BINS);
  const lowest = new Float64Array(BINS).fill(Number.POSITIVE_INFINITY);
  const highest = new Float64Array(BINS).fill(Number.NEGATIVE_INFINITY);
  const factor = BINS / (hi - lo);
  const { values } = stack;
  for (const [start, end] of runs) {
    for (let i = start; i < end; i += step) {
      const v = values[i] as number;
      if (!(v >= lo && v <= hi)) continue;
      let bin = ((v - lo) * factor) | 0;
      if (bin > BINS - 1) bin = BINS - 1;
      counts[bin] = (counts[bin] as number) + 1;
      if (v < (lowest[bin] as number)) lowest[bin] = v;
      if (v > (highest[bin] as number)) highest[bin] = v;
    }
  }
  return { counts, lowest, highest };
}

function fullest(counts: Uint32Array): number {
  let best = 0;
  for (let i = 1; i < counts.length; i++) {
    if ((counts[i] as number) > (counts[best] as number)) best = i;
  }
  return best;
}

/** Steps over about a million values at most, coprime with the plane so that no column is favoured. */
function sampleStep(stack: PlaneStack, total: number): number {
  let step = Math.max(1, Math.ceil(total / SAMPLE));
  if (step === 1) return 1;
  const gcd = (a: number, b: number): number => (b ? gcd(b, a % b) : a);
  while (gcd(step, stack.width * stack.height) !== 1) step++;
  return step;
}

/**
 * Span as ImageJ's Auto finds them, for one plane or (null) all: a histogram of 256 bins, bins with
 * more than 10 % of all pixels ignored, a growing share of the rest left outside at either end.
 *
 * Two departures: where nearly all values share one bin because of a few far outliers, the histogram
 * is taken again within that bin; and where the lowest bin is an ignored one (the zeros of a ReLU),
 * the lower limit stays at its lower edge, since nothing needs clipping there.
 */
export function autoLimits(source: TileSource, plane: number | null, level: number): Span {
  const extent = plane === null ? source.extentOfAll() : source.extent(plane);
  if (!(extent.min < extent.max)) return minMax(extent);
  const { stack } = source;
  const runs = runsOf(stack, plane);
  const step = sampleStep(stack, extent.finite + extent.nonfinite);
  const share = clipShare(level);
  let lo = extent.min / stack.scale;
  let hi = extent.max / stack.scale;
  let bins = binned(stack, runs, step, lo, hi);
  const total = bins.counts.reduce((sum, n) => sum + n, 0);
  for (let zoom = 0; zoom < 12; zoom++) {
    const bin = fullest(bins.counts);
    const [low, high] = [bins.lowest[bin] as number, bins.highest[bin] as number];
    if ((bins.counts[bin] as number) < total * (1 - share) || !(low < high)) break;
    lo = low;
    hi = high;
    bins = binned(stack, runs, step, lo, hi);
  }
  const cut = clippedEnds(bins.counts, total, share);
  if (!cut) return limitsOf(lo * stack.scale, hi * stack.scale);
  const size = (hi - lo) / BINS;
  const low = cut.first > 0 ? lo + cut.first * size : lo;
  const high = cut.last < BINS ? lo + cut.last * size : hi;
  return limitsOf(low * stack.scale, high * stack.scale);
}

/**
 * Where the limits fall, in bins from the left (parts of a bin are interpolated), or null where
 * ignoring and clipping leave nothing. Only whole pixels are cut off.
 */
function clippedEnds(
  counts: Uint32Array,
  total: number,
  share: number,
): { first: number; last: number } | null {
  const kept = counts.map((n) => (n > total / 10 ? 0 : n));
  const outside = Math.floor((kept.reduce((sum, n) => sum + n, 0) * share) / 2);
  const walk = (bins: Uint32Array): number => {
    let before = 0;
    for (let i = 0; i < BINS; i++) {
      const n = bins[i] as number;
      if (before + n > outside) return i + (outside - before) / n;
      before += n;
    }
    return BINS;
  };
  const first = kept[0] === 0 && (counts[0] as number) > 0 ? 0 : walk(kept);
  const last = BINS - walk(kept.toReversed());
  return first < last ? { first, last } : null;
}

const cachedAuto = new WeakMap<TileSource, Map<string, Span>>();

/** As `autoLimits`, worked out once for each source, plane and level. */
export function cachedAutoLimits(source: TileSource, plane: number | null, level: number): Span {
  let known = cachedAuto.get(source);
  if (!known) {
    known = new Map();
    cachedAuto.set(source, known);
  }
  const key = `${plane ?? "all"} ${level}`;
  let limits = known.get(key);
  if (!limits) {
    limits = autoLimits(source, plane, level);
    known.set(key, limits);
  }
  return limits;
}
