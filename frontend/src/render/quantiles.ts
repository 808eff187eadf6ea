/** How the finite values of a plane are spread: quantiles, linear between neighbours. */
import { planesOf } from "../data/channels";
import type { TileSource } from "./planes";

/** 5 %, a quarter, the median, three quarters, 95 %. */
const SHARES = [0.05, 0.25, 0.5, 0.75, 0.95] as const;
export type Quantiles = readonly number[];

const known = new WeakMap<TileSource, Map<number, Quantiles>>();

/** One for each of the shares; NaN where nothing is finite. `position` is of a channel, or RGB. */
export function quantilesOf(source: TileSource, position: number): Quantiles {
  const of = known.get(source) ?? new Map<number, Quantiles>();
  known.set(source, of);
  const found = of.get(position) ?? worked(source, position);
  of.set(position, found);
  return found;
}

function worked(source: TileSource, position: number): Quantiles {
  const { values, scale, offset, stride, width, height } = source.stack;
  const finite = planesOf(position).flatMap((plane) => {
    source.prepare(plane);
    const start = offset + plane * stride;
    return [...values.subarray(start, start + width * height).filter(Number.isFinite)];
  });
  const sorted = Float64Array.from(finite).sort();
  return SHARES.map((share) => {
    const at = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
    if (below === undefined || above === undefined) return Number.NaN;
    return (below + (above - below) * (at % 1)) * scale;
  });
}
