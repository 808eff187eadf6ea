/** How far from zero the colours of an attribution reach: the 99.5th percentile of the magnitudes. */
import type { LayerView } from "../data/answers";
import { AUTO_LEVELS } from "./autoLimits";

/** The share of magnitudes beyond the bound; each press of Auto doubles it. */
const BEYOND = 0.005;

/** The bound at each level of Auto, in true units, and last the largest magnitude of all. */
export type Reaches = readonly number[];

const known = new WeakMap<LayerView, Map<string, Reaches>>();

/** Over all values of these views, of which `without` is left out: it is taken off the others. */
export function reachesOf(
  views: readonly LayerView[],
  without: readonly (number | null)[],
): Reaches {
  const [first] = views;
  if (!first) return reachesIn(new Float32Array());
  const key = `${views.length} ${without.join()}`;
  const before = known.get(first) ?? new Map<string, Reaches>();
  known.set(first, before);
  let reaches = before.get(key);
  if (!reaches) {
    reaches = reachesIn(magnitudesOf(views, without)).map((reach) => reach * first.scale);
    before.set(key, reaches);
  }
  return reaches;
}

/** Ascending, stored values, those alone that are finite. */
function magnitudesOf(
  views: readonly LayerView[],
  without: readonly (number | null)[],
): Float32Array {
  const all = new Float32Array(views.reduce((sum, { values }) => sum + values.length, 0));
  let count = 0;
  views.forEach(({ values, planeSize }, i) => {
    const left = without[i] ?? null;
    const [from, to] = left === null ? [-1, -1] : [left * planeSize, (left + 1) * planeSize];
    for (let k = 0; k < values.length; k++) {
      const value = Math.abs(values[k]!);
      if ((k < from || k >= to) && value < Number.POSITIVE_INFINITY) all[count++] = value;
    }
  });
  return all.subarray(0, count).sort();
}

function reachesIn(sorted: Float32Array): Reaches {
  const largest = sorted.at(-1) ?? 0;
  const levels = Array.from({ length: AUTO_LEVELS }, (_, level) => {
    const bound = quantile(sorted, 1 - BEYOND * 2 ** level);
    // Where nearly all is zero, what is not is still seen.
    return bound > 0 ? bound : largest;
  });
  return [...levels, largest];
}

/** Between two neighbours in proportion, as `numpy.percentile` has it. */
function quantile(sorted: Float32Array, share: number): number {
  if (sorted.length === 0) return 0;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const [a, b] = [sorted[low]!, sorted[Math.min(sorted.length - 1, low + 1)]!];
  return a + (b - a) * (at - low);
}

/** The bound of several records: the largest of theirs, so that none has more beyond it. */
export function largestOf(all: readonly Reaches[]): Reaches {
  const none = new Array<number>(AUTO_LEVELS + 1).fill(0);
  return all.reduce((most, one) => most.map((reach, i) => Math.max(reach, one[i]!)), none);
}
