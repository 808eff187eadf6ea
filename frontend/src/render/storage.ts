/**
 * What storing took from values: below half of its smallest step a number is stored as 0, and beside a
 * large one smaller steps are lost. The statistics are of the values before they were stored.
 */
import { STAT_NAMES, type StepInfo } from "../data/answers";
import { planesOf } from "../data/channels";
import type { TileSource } from "./planes";

type Storage = Pick<StepInfo, "dtype" | "scale" | "batch" | "shape">;

const [MIN, MAX, STD, ZEROS] = (["min", "max", "std", "zeros"] as const).map((name) =>
  STAT_NAMES.indexOf(name),
) as [number, number, number, number];

/** Of what magnitude a number was, at most, that is stored as 0. */
function largestLost({ dtype, scale }: Storage): number {
  return scale * (dtype === "float16" ? 2 ** -25 : 2 ** -126);
}

/** From one stored number to the next at a magnitude. */
function stepAt(magnitude: number, { dtype, scale }: Storage): number {
  const [digits, least] = dtype === "float16" ? [10, 2 ** -24] : [23, 2 ** -149];
  return Math.max(scale * least, 2 ** (Math.floor(Math.log2(magnitude)) - digits));
}

/** Two digits, rounded up. */
function atMost(value: number): string {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return String(Number((Math.ceil((value / unit) * (1 + 1e-6)) * unit).toPrecision(2)));
}

/**
 * What the stored zeros of a channel (or RGB) were, as "below 4.6e-13", where more are stored than the
 * statistics of all values count; null where each may have been one. `row` is null until it is here.
 */
export function zerosText(
  source: TileSource,
  position: number,
  info: Storage,
  row: Float32Array | null,
): string | null {
  if (!row?.length) return null;
  const planes = planesOf(position);
  const stored = planes.reduce((sum, plane) => sum + source.extent(plane).zeros, 0);
  const sides = info.shape.slice(1, -1);
  const all = sides.reduce((product, side) => product * side, info.batch * planes.length);
  // A share in single precision is good to a ten-millionth.
  if (stored <= row[ZEROS]! * all * (1 + 1e-6) + 0.5) return null;
  const bound = atMost(largestLost(info));
  if (row[MIN]! >= 0) return `below ${bound}`;
  return row[MAX]! <= 0 ? `above -${bound}` : `within ±${bound}`;
}

/** The step in which a channel's largest values are stored, where they vary by less; else null. */
export function coarseStep(info: Storage, row: Float32Array | null): number | null {
  if (!row?.length) return null;
  const step = stepAt(Math.max(Math.abs(row[MIN]!), Math.abs(row[MAX]!)), info);
  return row[STD]! > 0 && step > row[STD]! ? step : null;
}
