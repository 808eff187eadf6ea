import { describe, expect, it } from "vitest";
import { heightsOf, histogramOf } from "./histogram";
import { stackOf, TileSource } from "./planes";

const source = new TileSource(
  stackOf(Float32Array.of(0, 1, 1.5, 4, Number.NaN, -1, 9, 2), {
    planes: 2,
    height: 1,
    width: 4,
    scale: 0.5,
  }),
);

describe("histogramOf", () => {
  it("counts true values, the upper end in the last bin, and what lies outside apart", () => {
    const all = histogramOf(source, { lo: 0, hi: 2 }, 4);
    // True values: 0, 0.5, 0.75, 2 | NaN, −0.5, 4.5, 1
    expect(Array.from(all.counts)).toEqual([1, 2, 1, 1]);
    expect([all.below, all.above, all.nonfinite]).toEqual([1, 1, 1]);
  });

  it("counts the planes asked for", () => {
    expect(Array.from(histogramOf(source, { lo: 0, hi: 2 }, 2, [1]).counts)).toEqual([0, 1]);
  });
});

describe("heightsOf", () => {
  it("is the share of the fullest, or of its logarithm", () => {
    const counts = Uint32Array.of(0, 3, 15);
    expect(Array.from(heightsOf(counts, true))).toEqual([0, 0.2, 1]);
    expect(Array.from(heightsOf(counts, false))).toEqual([0, 0.5, 1]);
    expect(Array.from(heightsOf(Uint32Array.of(0), false))).toEqual([0]);
  });
});
