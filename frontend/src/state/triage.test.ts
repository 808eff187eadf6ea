import { describe, expect, it } from "vitest";
import { stackOf, TileSource } from "../render/planes";
import {
  channelStates,
  countShown,
  effectiveSort,
  filterOrder,
  isStale,
  layerStd,
  orderOf,
  rmsDifference,
  sortValues,
  type TriageData,
} from "./triage";

const nan = Number.NaN;
// Five channels: active, dead, constant, active with NaN, nothing finite.
const STATS = Float32Array.of(
  ...[-1, 2, 0.5, 1, 0.25, 0],
  ...[0, 0, 0, 0, 1, 0],
  ...[3, 3, 3, 0, 0, 0],
  ...[0, 9, 1, 2, 0.5, 4],
  ...[nan, nan, nan, nan, 0, 8],
);
const planes = (values: number[]) =>
  new TileSource(
    stackOf(Float32Array.from(values), { planes: values.length / 2, height: 1, width: 2 }),
  );
const NOW = planes([1, 2, 0, 0, 3, 3, 0, nan, nan, nan]);
const BEFORE = planes([0, 0, 0, 0, 3, 1, 4, 5, 0, 0]);
const data = (change: Partial<TriageData> = {}): TriageData => ({
  count: 5,
  ids: null,
  stats: STATS,
  source: NOW,
  previous: { source: BEFORE, at: (plane) => plane },
  pixel: null,
  batch: 2,
  row: null,
  ...change,
});

describe("channel states", () => {
  it("tell dead, constant, active and non-finite apart, and count them", () => {
    const states = channelStates(data());
    expect(states.map((s) => [s.active, s.dead, s.constant, s.nonfinite])).toEqual([
      [true, false, false, 0],
      [false, true, false, 0],
      [false, false, true, 0],
      [true, false, false, 4],
      [false, false, false, 8],
    ]);
    expect(countShown(states)).toEqual({ all: 5, active: 2, dead: 1, constant: 1, nonfinite: 2 });
  });

  it("go by the id of a channel where only some are stored", () => {
    const states = channelStates({ count: 2, ids: [1, 3], stats: STATS });
    expect([states[0]?.dead, states[1]?.nonfinite]).toEqual([true, 4]);
  });

  it("call every channel active until the statistics are here", () => {
    expect(countShown(channelStates({ count: 3, ids: null, stats: null })).active).toBe(3);
  });
});

describe("filterOrder", () => {
  it("keeps the order, passes the filter and the ids searched for", () => {
    const states = channelStates(data());
    const order = [3, 0, 4, 2, 1];
    expect(filterOrder(order, states, "active", null, null)).toEqual([3, 0]);
    expect(filterOrder(order, states, "all", new Set([0, 4]), null)).toEqual([0, 4]);
    expect(filterOrder([0, 1], states.slice(0, 2), "all", new Set([7]), [5, 7])).toEqual([1]);
  });
});

describe("orderOf", () => {
  it("sorts descending by a statistic, NaN last, ties by index", () => {
    expect(orderOf("max-all", data())).toEqual([3, 2, 0, 1, 4]);
    expect(orderOf("zeros-all", data())).toEqual([1, 3, 0, 2, 4]);
    // Of one example alone they are its own.
    expect(orderOf("max", data({ batch: 1 }))).toEqual([3, 2, 0, 1, 4]);
    expect(orderOf("index", data())).toEqual([0, 1, 2, 3, 4]);
  });

  it("sorts by a statistic of what is shown, of what is finite in it", () => {
    const of = (key: "max" | "mean" | "std" | "zeros", change = {}) =>
      Array.from(sortValues(key, data(change)));
    expect(of("max")).toEqual([2, 0, 3, 0, nan]);
    expect(of("mean")).toEqual([1.5, 0, 3, 0, nan]);
    expect(of("std")).toEqual([0.5, 0, 0, 0, nan]);
    expect(of("zeros")).toEqual([0, 1, 0, 0.5, 0]);
    expect(orderOf("max", data())).toEqual([2, 0, 1, 3, 4]);
    // A plane that holds all examples: of the one that is shown.
    expect(of("max", { row: 1 })).toEqual([2, 0, 3, nan, nan]);
    expect(of("std", { row: 0 })).toEqual([0, 0, 0, 0, nan]);
    expect(of("zeros", { row: 0 })).toEqual([0, 1, 0, 1, 0]);
  });

  it("sorts by the value at the marked pixel", () => {
    expect(orderOf("pixel", data({ pixel: { x: 0, y: 0 } }))).toEqual([2, 0, 1, 3, 4]);
  });

  it("sorts by change since the previous step over the layer's std", () => {
    // Differences: (1, 2) → √2.5; none; (0, 2) → √2; (4, NaN) → 4; nothing.
    expect(orderOf("change", data())).toEqual([3, 0, 2, 1, 4]);
    const spread = layerStd(STATS);
    const values = sortValues("change", data());
    expect(values[0]).toBeCloseTo(Math.sqrt(2.5) / spread, 6);
    expect(values[3]).toBeCloseTo(4 / spread, 6);
  });

  it("is by index up to 256 channels, beyond by max, unless chosen", () => {
    expect([effectiveSort(null, 256), effectiveSort(null, 257), effectiveSort("std", 8)]).toEqual([
      "index",
      "max",
      "std",
    ]);
  });
});

describe("layerStd", () => {
  it("pools means and variances of the finite channels", () => {
    // Means 0.5, 0, 3, 1 with mean 1.125; variances 1, 0, 0, 4.
    const spread = (0.625 ** 2 + 1.125 ** 2 + 1.875 ** 2 + 0.125 ** 2) / 4;
    expect(layerStd(STATS)).toBeCloseTo(Math.sqrt(5 / 4 + spread), 6);
  });
});

describe("rmsDifference", () => {
  it("is NaN between planes of different sizes", () => {
    const other = new TileSource(stackOf(new Float32Array(9), { planes: 1, height: 3, width: 3 }));
    expect(rmsDifference(NOW, { source: other, at: (plane) => plane }, 0)).toBeNaN();
  });
});

describe("isStale", () => {
  it("is true where a tile would move", () => {
    expect([isStale([0, 1], [0, 1]), isStale([0, 1], [1, 0]), isStale([0], [0, 1])]).toEqual([
      false,
      true,
      true,
    ]);
  });
});
