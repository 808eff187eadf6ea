/**
 * Which channels are shown and in which order, from the statistics of the layer at one step:
 * `[channels of the layer, 6]` (min, max, mean, std, zeros, nonfinite), over the whole batch.
 *
 * Orders and states go by position among the stored channels.
 */
import { STAT_COLUMNS } from "../data/answers";
import { SHOW_KEYS, type ShowKey, type SortKey, type SortStatistic } from "../data/choices";
import type { TileSource } from "../render/planes";
import type { OtherSide } from "../render/window";

const [MIN, MAX, MEAN, STD, ZEROS, NONFINITE] = [0, 1, 2, 3, 4, 5];
const SORTED_BY_INDEX = 256;

interface ChannelState {
  /** Zero in every value of the whole batch. */
  readonly dead: boolean;
  /** One finite value other than zero throughout. */
  readonly constant: boolean;
  /** Finite values that differ. */
  readonly active: boolean;
  /** Non-finite values in the whole batch. */
  readonly nonfinite: number;
}

export interface TriageData {
  /** Stored channels. */
  readonly count: number;
  /** Channel ids by position; null where all channels are stored. */
  readonly ids: readonly number[] | null;
  readonly stats: Float32Array | null;
  /** The same at the first step. */
  readonly first?: Float32Array | null;
  readonly source: TileSource;
  /** The shown example at the step before, by the planes of the source. */
  readonly previous: OtherSide | null;
  readonly pixel: { readonly x: number; readonly y: number } | null;
  /** What each channel adds to a score, by its id. */
  readonly sums?: Float64Array | null;
  /** Examples that ran; of one alone the statistics are its own. */
  readonly batch: number;
  /** Where a plane holds all examples, the place of the shown one. */
  readonly row: number | null;
}

const UNKNOWN: ChannelState = { dead: false, constant: false, active: true, nonfinite: 0 };

function rowOf(data: Pick<TriageData, "ids" | "stats">, position: number): number {
  return (data.ids?.[position] ?? position) * STAT_COLUMNS;
}

/** States of all stored channels; unknown ones count as active until the statistics are here. */
export function channelStates(data: Pick<TriageData, "count" | "ids" | "stats">): ChannelState[] {
  const { stats } = data;
  return Array.from({ length: data.count }, (_, position) => {
    const row = rowOf(data, position);
    if (!stats || row + STAT_COLUMNS > stats.length) return UNKNOWN;
    const min = stats[row + MIN] as number;
    const max = stats[row + MAX] as number;
    const dead = stats[row + ZEROS] === 1;
    const nonfinite = stats[row + NONFINITE] as number;
    const constant = min === max && nonfinite === 0 && !dead;
    return { dead, constant, active: min < max, nonfinite };
  });
}

const TESTS: Record<ShowKey, (state: ChannelState) => boolean> = {
  all: () => true,
  active: (state) => state.active,
  dead: (state) => state.dead,
  constant: (state) => state.constant,
  nonfinite: (state) => state.nonfinite > 0,
};

/** How many channels each choice of `Show` would leave. */
export function countShown(states: readonly ChannelState[]): Record<ShowKey, number> {
  const counts = { all: 0, active: 0, dead: 0, constant: 0, nonfinite: 0 };
  for (const state of states) {
    for (const key of SHOW_KEYS) if (TESTS[key](state)) counts[key]++;
  }
  return counts;
}

/** The part of an order that passes `show` and, where a search names ids, is among them. */
export function filterOrder(
  order: readonly number[],
  states: readonly ChannelState[],
  show: ShowKey,
  wanted: ReadonlySet<number> | null,
  ids: readonly number[] | null,
): number[] {
  return order.filter((position) => {
    const state = states[position];
    if (!state || !TESTS[show](state)) return false;
    return !wanted || wanted.has(ids?.[position] ?? position);
  });
}

/** Population std of all finite values of the layer, from its channels' means and stds. */
export function layerStd(stats: Float32Array): number {
  let n = 0;
  let mean = 0;
  let squares = 0;
  for (let row = 0; row + STAT_COLUMNS <= stats.length; row += STAT_COLUMNS) {
    const [m, s] = [stats[row + MEAN] as number, stats[row + STD] as number];
    if (!Number.isFinite(m) || !Number.isFinite(s)) continue;
    n++;
    const delta = m - mean;
    mean += delta / n;
    squares += s * s + delta * (m - mean);
  }
  return n ? Math.sqrt(squares / n) : Number.NaN;
}

/** RMS difference of two planes over the pixels that are finite in both; NaN where there are none. */
export function rmsDifference(a: TileSource, { source, at }: OtherSide, plane: number): number {
  const [p, q, other] = [a.stack, source.stack, at(plane)];
  if (p.width !== q.width || p.height !== q.height || other === undefined) return Number.NaN;
  a.prepare(plane);
  source.prepare(other);
  const [i, j] = [p.offset + plane * p.stride, q.offset + other * q.stride];
  let sum = 0;
  let count = 0;
  for (let k = 0; k < p.width * p.height; k++) {
    const d = (p.values[i + k] as number) * p.scale - (q.values[j + k] as number) * q.scale;
    if (d - d === 0) {
      sum += d * d;
      count++;
    }
  }
  return count ? Math.sqrt(sum / count) : Number.NaN;
}

/** What each channel is sorted by; NaN goes last. */
export function sortValues(key: Exclude<SortKey, "index">, data: TriageData): Float64Array {
  const { stats, source, previous, pixel } = data;
  const [name = "", all] = key.split("-");
  const column = { max: MAX, mean: MEAN, std: STD, zeros: ZEROS }[name];
  if (column !== undefined && !all && data.batch > 1) {
    return ownStatistics(source, name as SortStatistic, data.row);
  }
  const spread = stats ? layerStd(stats) : Number.NaN;
  return Float64Array.from({ length: data.count }, (_, position) => {
    if (key === "pixel") return pixel ? source.value(position, pixel.x, pixel.y) : Number.NaN;
    if (key === "attribution") return data.sums?.[data.ids?.[position] ?? position] ?? Number.NaN;
    if (key === "change") {
      return previous ? rmsDifference(source, previous, position) / spread : Number.NaN;
    }
    if (key === "growth") return rmsIn(stats, data, position) - rmsIn(data.first, data, position);
    return stats ? (stats[rowOf(data, position) + (column as number)] as number) : Number.NaN;
  });
}

/** The RMS of a channel over the whole batch; NaN where it was not there. */
function rmsIn(stats: Float32Array | null | undefined, data: TriageData, position: number): number {
  const row = rowOf(data, position);
  return stats ? Math.hypot(stats[row + MEAN] as number, stats[row + STD] as number) : Number.NaN;
}

const known = new WeakMap<TileSource, Map<string, Float64Array>>();

/** A statistic of every plane as it is shown, or of one place in it; of what is finite. */
function ownStatistics(source: TileSource, name: SortStatistic, row: number | null): Float64Array {
  const of = known.get(source) ?? new Map<string, Float64Array>();
  known.set(source, of);
  const key = `${name} ${row}`;
  const found =
    of.get(key) ??
    Float64Array.from({ length: source.stack.planes }, (_, plane) =>
      row === null ? statisticOf(source, name, plane) : oneOf(name, source.value(plane, row, 0)),
    );
  of.set(key, found);
  return found;
}

function oneOf(name: SortStatistic, value: number): number {
  if (name === "zeros") return Number(value === 0);
  if (!Number.isFinite(value)) return Number.NaN;
  return name === "std" ? 0 : value;
}

function statisticOf(source: TileSource, name: SortStatistic, plane: number): number {
  const { min, max, finite, nonfinite, zeros } = source.extent(plane);
  if (name === "max") return max;
  if (name === "zeros") return zeros / (finite + nonfinite);
  if (min === max) return name === "std" ? 0 : min;
  const { values, scale, offset, stride, width, height } = source.stack;
  const start = offset + plane * stride;
  const sumOf = (term: (value: number) => number) => {
    let sum = 0;
    for (let i = start; i < start + width * height; i++) {
      const v = values[i] as number;
      if (v - v === 0) sum += term(v * scale);
    }
    return sum / finite;
  };
  const mean = sumOf((value) => value);
  return name === "mean" ? mean : Math.sqrt(sumOf((value) => (value - mean) ** 2));
}

/** The choice in force: by index up to 256 channels, beyond by max. */
export function effectiveSort(key: SortKey | null, count: number): SortKey {
  return key ?? (count <= SORTED_BY_INDEX ? "index" : "max");
}

/** Positions in order: by index ascending, by anything else descending, ties by index. */
export function orderOf(key: SortKey, data: TriageData): number[] {
  const order = Array.from({ length: data.count }, (_, position) => position);
  if (key === "index") return order;
  const values = sortValues(key, data);
  return order.sort((a, b) => {
    const [x, y] = [values[a] as number, values[b] as number];
    if (Number.isNaN(x) || Number.isNaN(y))
      return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
    return x === y ? a - b : y > x ? 1 : -1;
  });
}

/** True where sorting anew would move a tile. */
export function isStale(held: readonly number[], fresh: readonly number[]): boolean {
  return held.length !== fresh.length || held.some((position, i) => position !== fresh[i]);
}
