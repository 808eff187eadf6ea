import { describe, expect, it } from "vitest";
import { RGB } from "../../data/channels";
import { nearestPoint, pathOf, seriesOf, xOf, yOf } from "./series";

// Three steps of two channels; columns min, max, mean, std, zeros, nonfinite.
const stats = {
  run: "r",
  tag: "t",
  complete: true,
  count: 3,
  steps: [0, 10, 40],
  times: [0, 0, 0],
  rows: [
    Float32Array.of(0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0),
    Float32Array.of(0, 1, 0, 0, 0, 0, 0, Number.NaN, 0, 0, 0, 7),
    Float32Array.of(0, 1, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0),
  ],
};
const box = { width: 100, height: 50, pad: 10 };

describe("seriesOf", () => {
  it("takes one statistic of one channel at every step", () => {
    const series = seriesOf(stats, 1, "max");
    expect(Array.from(series.values)).toEqual([2, Number.NaN, 6]);
    expect(series.range).toEqual([2, 6]);
    expect(Array.from(seriesOf(stats, 1, "nonfinite").values)).toEqual([0, 7, 0]);
  });
});

describe("a layer whose width changes over steps", () => {
  const rows = [stats.rows[0]!.subarray(0, 6), ...stats.rows.slice(1)];

  it("has a series of the steps at which the channel was there", () => {
    const series = seriesOf({ ...stats, rows }, 1, "zeros");
    expect(series.steps).toEqual([10, 40]);
    expect(Array.from(series.values)).toEqual([0, 0]);
  });

  it("has one of its colours together only while these are its three channels", () => {
    expect(seriesOf({ ...stats, rows }, RGB, "max").steps).toEqual([]);
  });
});

describe("places on the chart", () => {
  const series = seriesOf(stats, 1, "max");

  it("go by step number, from the bottom up", () => {
    expect([0, 1, 2].map((i) => xOf(series, i, box))).toEqual([10, 30, 90]);
    expect([0, 2].map((i) => yOf(series, i, box))).toEqual([40, 10]);
    expect(yOf(series, 1, box)).toBeNaN();
  });

  it("leave a gap where a value is not finite", () => {
    expect(pathOf(series, box)).toBe("M10.0 40.0M90.0 10.0");
  });

  it("put a flat series and a single step in the middle", () => {
    const flat = seriesOf(stats, 0, "max");
    expect(yOf(flat, 0, box)).toBe(25);
    const single = { ...stats, steps: [5], rows: stats.rows.slice(0, 1) };
    expect(xOf(seriesOf(single, 0, "max"), 0, box)).toBe(50);
  });

  it("find the nearest point to a click", () => {
    expect([12, 25, 70].map((x) => nearestPoint(series, x, box))).toEqual([0, 1, 2]);
  });
});
