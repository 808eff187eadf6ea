import { describe, expect, it } from "vitest";
import type { LayerView, StepInfo } from "../data/answers";
import { cellOf, contrasted, coveredBy, shaped } from "./maps";
import { largestOf, reachesOf } from "./reach";

/** Targets of one example, over a grid of the input. */
function view(values: number[], spatial: number[], grid: number[] | null, channels = 1): LayerView {
  const explained = {
    ...{ method: "grad_cam", parameters: {}, of: "conv", layer: "conv", input: "input" },
    ...{
      output: "logit",
      targets: null,
      targetNames: null,
      parts: 1,
      summed: true,
      baseline: null,
      grid,
    },
  };
  const info: StepInfo = {
    ...{ step: 0, wallTime: 0, shape: [1, ...spatial, channels], batch: 1, channels },
    ...{ channelIds: null, examples: [0], labels: null, dtype: "float32", scale: 1 },
    ...{ omitted: null, explained },
  };
  const planeSize = spatial.reduce((a, b) => a * b, 1);
  return {
    ...{ run: "r", tag: "t", kind: "attribution", info, example: 0, channels, spatial, planeSize },
    ...{ values: Float32Array.from(values), scale: 1 },
  };
}

const PLAIN = { fold: "signed", smooth: false, against: null } as const;

describe("shaped", () => {
  it("leaves a map that is as fine as its input as it is", () => {
    const map = view([1, -2, 3, -4], [2, 2], [2, 2]);
    expect(shaped(map, PLAIN)).toBe(map);
    expect([...shaped(map, { ...PLAIN, fold: "relu" }).values]).toEqual([1, 0, 3, 0]);
    expect([...shaped(map, { ...PLAIN, fold: "abs" }).values]).toEqual([1, 2, 3, 4]);
  });

  it("enlarges by squares, where sides are no multiple too", () => {
    const map = view([1, 2, 3, 4], [2, 2], [3, 4]);
    expect(shaped(map, PLAIN).spatial).toEqual([3, 4]);
    expect([...shaped(map, PLAIN).values]).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  });

  it("interpolates between the middles of cells, and not beyond the outer ones", () => {
    const map = view([0, 4], [1, 2], [1, 4]);
    expect([...shaped(map, { ...PLAIN, smooth: true }).values]).toEqual([0, 1, 3, 4]);
  });

  it("keeps a NaN to where it is seen, and through every fold", () => {
    const map = view([Number.NaN, 4], [1, 2], [1, 4]);
    for (const fold of ["signed", "relu", "abs"] as const) {
      const { values } = shaped(map, { ...PLAIN, fold, smooth: true });
      expect([...values].map(Number.isNaN)).toEqual([true, true, true, false]);
    }
  });

  it("knows the cell that a place lies in", () => {
    const map = view([0, 4], [1, 2], [1, 4]);
    expect([0, 1, 2, 3].map((x) => cellOf(map, x, 0).x)).toEqual([0, 0, 1, 1]);
    expect(coveredBy(view([0, 1], [1, 2], null))).toEqual([1, 2]);
  });

  it("takes one target off the others", () => {
    const map = view([1, 2, 10, 20], [1, 2], null, 2);
    expect([...contrasted(map, 1).values]).toEqual([-9, -18, 0, 0]);
    expect(contrasted(map, 1)).toBe(contrasted(map, 1));
  });
});

describe("reachesOf", () => {
  it("is the 99.5th percentile of the magnitudes as numpy has it, then less, and last the largest", () => {
    const values = Array.from({ length: 1001 }, (_, i) => (i % 2 ? -i : i));
    const reaches = reachesOf([view(values, [7, 143], null)], [null]);
    expect(reaches[0]).toBeCloseTo(995, 6);
    expect(reaches[1]).toBeCloseTo(990, 6);
    expect(reaches.at(-1)).toBe(1000);
  });

  it("leaves out what is not finite, and the target that is taken off the others", () => {
    const map = view([1, Number.NaN, 50, 60], [1, 2], null, 2);
    expect(reachesOf([map], [1]).at(-1)).toBe(1);
  });

  it("is the largest value where nearly all are zero", () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i === 7 ? -3 : 0));
    expect(reachesOf([view(values, [10, 100], null)], [null])[0]).toBe(3);
  });

  it("is the largest of several steps at each level", () => {
    expect(
      largestOf([
        [1, 1, 1, 1, 1, 1, 5],
        [2, 1, 1, 1, 0, 0, 3],
      ]),
    ).toEqual([2, 1, 1, 1, 1, 1, 5]);
  });
});
