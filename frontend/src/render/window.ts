/**
 * Which true values the ends of the colormap stand for: limits, and their other faces
 * (brightness and contrast, centre and width, A and B of the inner loop).
 *
 * Each plane has base limits (Auto, min–max, symmetric, typed, or locked over steps). Brightness and
 * contrast move them relatively, so that one slider serves planes of every magnitude.
 */
import type { Span, WindowState } from "../data/choices";
import { FIRST_SHADE, SHADES } from "./colormap";
import { type Extent, type PlaneStack, runsOf, type TileSource } from "./planes";

/** `out = lut[clamp(stored · a + b)]` */
export interface Affine {
  readonly a: number;
  readonly b: number;
}

export const AUTO_LEVELS = 6;
const FIRST_CLIP = 0.0035;
const BINS = 256;
const CONTRAST_OCTAVES = 6;
const SAMPLE = 1 << 20;

/** Presses of Auto after the first; past the tightest it starts over. */
export function nextAutoLevel(level: number): number {
  return level + 1 >= AUTO_LEVELS ? 0 : level + 1;
}

/** The share of pixels that Auto leaves outside, both ends together: 0.35 % doubling to 11 %. */
export function clipShare(level: number): number {
  return FIRST_CLIP * 2 ** level;
}

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

export function minMax(extent: Extent): Span {
  return limitsOf(extent.min, extent.max);
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

/** Moves limits: brightness by shares of the full width downwards, contrast by powers of two. */
export function adjust(base: Span, full: Span, brightness: number, contrast: number): Span {
  if (brightness === 0 && contrast === 0) return base;
  const centre = base.lo / 2 + base.hi / 2 - brightness * (full.hi - full.lo);
  const half = ((base.hi - base.lo) / 2) * 2 ** (-CONTRAST_OCTAVES * contrast);
  return { lo: centre - half, hi: centre + half };
}

/** The brightness and contrast that move `base` to `limits`; the inverse of `adjust`. */
export function adjustmentOf(
  limits: Span,
  base: Span,
  full: Span,
): { brightness: number; contrast: number } {
  const shift = base.lo / 2 + base.hi / 2 - (limits.lo / 2 + limits.hi / 2);
  const width = Math.max(limits.hi - limits.lo, (base.hi - base.lo) * 2 ** -20);
  return {
    brightness: shift / (full.hi - full.lo),
    contrast: -Math.log2(width / (base.hi - base.lo)) / CONTRAST_OCTAVES,
  };
}

/** A drag on a tile: to the right widens, upwards brightens; 256 px are one full range. */
export function dragged(
  start: { brightness: number; contrast: number },
  dx: number,
  dy: number,
): { brightness: number; contrast: number } {
  return { brightness: start.brightness - dy / 256, contrast: start.contrast - dx / 256 };
}

/** A and B for stored values: lo falls on the first shade, hi on the last, neither counts as clipped. */
export function affineOf({ lo, hi }: Span, scale: number): Affine {
  const low = lo / scale;
  const a = (SHADES * (1 - 1e-6)) / (hi / scale - low);
  const b = FIRST_SHADE + SHADES * 5e-7 - low * a;
  return Number.isFinite(a) && Number.isFinite(b)
    ? { a, b }
    : { a: 0, b: FIRST_SHADE + SHADES / 2 };
}

/** Smallest and largest value over all steps, of each channel of the layer and of the layer. */
export interface LockedLimits {
  readonly channels: readonly (Span | null)[];
  readonly layer: Span | null;
}

const COLUMNS = 6;

/**
 * Span from the statistics of many steps, `[steps, channels, 6]`. They are widened to the 11 bits
 * that half precision keeps, so that the largest stored value does not count as clipped.
 */
export function lockedLimits(statistics: Float32Array, channels: number): LockedLimits {
  const lo = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
  const hi = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i + COLUMNS <= statistics.length; i += COLUMNS) {
    const channel = (i / COLUMNS) % channels;
    const [min, max] = [statistics[i] as number, statistics[i + 1] as number];
    if (Number.isFinite(min) && min < (lo[channel] as number)) lo[channel] = min;
    if (Number.isFinite(max) && max > (hi[channel] as number)) hi[channel] = max;
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

const cachedAuto = new WeakMap<TileSource, Map<string, Span>>();

function cachedAutoLimits(source: TileSource, plane: number | null, level: number): Span {
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

export interface WindowOptions {
  /** The colormap diverges: Auto centres on zero. */
  readonly diverging: boolean;
  /** Span over all steps by channel id; used where the state is locked. */
  readonly locked?: LockedLimits | null;
  /** Channel ids of the planes, where not every channel was stored. */
  readonly ids?: readonly number[] | null;
}

/** The limits of every plane under one state; planes are worked out when asked. */
export class WindowTable {
  private readonly source: TileSource;
  private readonly state: WindowState;
  private readonly options: WindowOptions;
  /** Of the values that are painted: another source may be seen through these limits. */
  private scale: number;

  constructor(source: TileSource, state: WindowState, options: WindowOptions) {
    this.source = source;
    this.state = state;
    this.options = options;
    this.scale = source.stack.scale;
  }

  /** The same limits for the values of another source. */
  over(source: TileSource): WindowTable {
    const table = new WindowTable(this.source, this.state, this.options);
    table.scale = source.stack.scale;
    return table;
  }

  /** Span before brightness and contrast. */
  base(plane: number): Span {
    const { state, source } = this;
    if (state.range === "manual") return limitsOf(...state.manual);
    const scope = state.range === "layer" ? null : plane;
    const locked = this.lockedOf(scope);
    if (locked) return this.centred(limitsOf(locked.lo, locked.hi), state.limits !== "minmax");
    if (state.limits === "auto") {
      return this.centred(cachedAutoLimits(source, scope, state.autoLevel), true);
    }
    return this.centred(
      minMax(scope === null ? source.extentOfAll() : source.extent(scope)),
      false,
    );
  }

  /** What the sliders' whole way stands for: all values in scope, and the base limits. */
  full(plane: number): Span {
    const { state, source } = this;
    const base = this.base(plane);
    const data = minMax(state.range === "channel" ? source.extent(plane) : source.extentOfAll());
    return { lo: Math.min(base.lo, data.lo), hi: Math.max(base.hi, data.hi) };
  }

  /** The one value of all in scope: NaN where none is finite, null where they differ. */
  only(plane: number): number | null {
    const { state, source } = this;
    const own = state.range === "channel";
    const locked = this.lockedOf(own ? plane : null);
    const { min, max } = own ? source.extent(plane) : source.extentOfAll();
    const { lo, hi } = locked ?? { lo: min, hi: max };
    return lo < hi ? null : lo;
  }

  /**
   * The limits as they are named. Those of nothing but zeros are a convention until they are moved:
   * what is true is the zero.
   */
  named(plane: number): Span {
    const { range, brightness, contrast } = this.state;
    const moved = range === "manual" || brightness !== 0 || contrast !== 0;
    if (moved || this.only(plane) !== 0) return this.limits(plane);
    return { lo: 0, hi: 0 };
  }

  limits(plane: number): Span {
    const { brightness, contrast } = this.state;
    if (brightness === 0 && contrast === 0) return this.base(plane);
    return adjust(this.base(plane), this.full(plane), brightness, contrast);
  }

  affine(plane: number): Affine {
    return affineOf(this.limits(plane), this.scale);
  }

  private centred(limits: Span, followsMap: boolean): Span {
    const wanted = this.state.limits === "symmetric" || (followsMap && this.options.diverging);
    return wanted ? symmetric(limits) : limits;
  }

  private lockedOf(scope: number | null): Span | null {
    const { locked, ids } = this.options;
    if (!this.state.lockSteps || !locked) return null;
    if (scope === null) return locked.layer;
    return locked.channels[ids?.[scope] ?? scope] ?? null;
  }
}
