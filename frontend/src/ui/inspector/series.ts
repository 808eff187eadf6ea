/** One statistic of one channel over all steps, and where its points fall on a chart. */
import { STAT_NAMES, type StatName, type StatsTable } from "../../data/answers";
import { statRow } from "../../data/statistics";

export interface Series {
  readonly steps: readonly number[];
  readonly values: Float64Array;
  /** Over finite values; null where there are none. */
  readonly range: readonly [number, number] | null;
  /** Of a distribution: its quantiles at each step. */
  readonly quantiles?: readonly (readonly number[])[];
}

/** At the steps at which the layer had the channel. */
export function seriesOf(stats: StatsTable, id: number, name: StatName): Series {
  const column = STAT_NAMES.indexOf(name);
  const at = stats.rows.map((row) => statRow(row, id)[column]);
  const steps = stats.steps.filter((_, i) => at[i] !== undefined);
  return seriesFrom(steps, Float64Array.from(at.filter((value) => value !== undefined)));
}

export function seriesFrom(steps: readonly number[], values: Float64Array): Series {
  const finite = values.filter(Number.isFinite);
  const range = finite.length
    ? ([finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))] as const)
    : null;
  return { steps, values, range };
}

/** The area between two of the quantiles, as SVG paths that break where there are none. */
export function bandOf(series: Series, [low, high]: readonly [number, number], box: Box): string {
  const { quantiles = [] } = series;
  const edge = (at: number) => ({ ...series, values: Float64Array.from(quantiles, (q) => q[at]!) });
  return quantiles
    .slice(1)
    .map((_, i) => {
      const corners = [
        [i, low],
        [i + 1, low],
        [i + 1, high],
        [i, high],
      ] as const;
      const points = corners.map(([at, q]) => [xOf(series, at, box), yOf(edge(q), at, box)]);
      return points.flat().some(Number.isNaN)
        ? ""
        : `M${points.map((p) => p.join(" ")).join("L")}Z`;
    })
    .join("");
}

interface Box {
  readonly width: number;
  readonly height: number;
  readonly pad: number;
}

export function xOf(series: Series, i: number, box: Box): number {
  const first = series.steps[0] ?? 0;
  const span = (series.steps.at(-1) ?? first) - first;
  const share = span > 0 ? ((series.steps[i] ?? first) - first) / span : 0.5;
  return box.pad + share * (box.width - 2 * box.pad);
}

/** From the bottom up; a flat series stands in the middle. NaN where the value is not finite. */
export function yOf(series: Series, i: number, box: Box): number {
  const value = series.values[i] as number;
  if (!series.range || !Number.isFinite(value)) return Number.NaN;
  const [lo, hi] = series.range;
  const share = hi > lo ? (value - lo) / (hi - lo) : 0.5;
  return box.height - box.pad - share * (box.height - 2 * box.pad);
}

/** An SVG path that breaks where there is no finite value. */
export function pathOf(series: Series, box: Box): string {
  let path = "";
  let pen = "M";
  for (let i = 0; i < series.steps.length; i++) {
    const y = yOf(series, i, box);
    if (Number.isNaN(y)) {
      pen = "M";
      continue;
    }
    path += `${pen}${xOf(series, i, box).toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return path;
}

/** The point nearest to a place along x. */
export function nearestPoint(series: Series, x: number, box: Box): number {
  let best = 0;
  for (let i = 1; i < series.steps.length; i++) {
    if (Math.abs(xOf(series, i, box) - x) < Math.abs(xOf(series, best, box) - x)) best = i;
  }
  return best;
}
