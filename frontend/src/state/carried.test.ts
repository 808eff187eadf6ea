import { describe, expect, it } from "vitest";
import type { LayerView, StepInfo } from "../data/answers";
import { channelSums } from "./carried";

function view(shape: number[], spatial: number[], values: number[], parts: number): LayerView {
  const explained = {
    ...{ method: "gradients", parameters: {}, of: "conv", layer: "conv", input: null },
    ...{ output: "logit", targets: null, targetNames: null, parts, summed: false, baseline: null },
    grid: null,
  };
  const channels = shape.at(-1)!;
  const info: StepInfo = {
    ...{ step: 0, wallTime: 0, shape, batch: 2, channels, channelIds: null, examples: [4, 7] },
    ...{ labels: null, dtype: "float32", scale: 1, omitted: null, explained },
  };
  const planeSize = spatial.reduce((a, b) => a * b, 1);
  return {
    ...{ run: "r", tag: "t", kind: "attribution", info, example: 1, channels, spatial, planeSize },
    ...{ values: Float32Array.from(values), scale: 2 },
  };
}

describe("channelSums", () => {
  it("adds up the values of each channel of the first target, in true units", () => {
    const map = view([2, 1, 2, 4], [1, 2], [1, 2, 3, -5, 100, 100, 100, 100], 2);
    expect([...channelSums(map)]).toEqual([6, -4]);
  });

  it("is the one value of the shown example where a layer is dense", () => {
    const map = view([2, 3], [2], [1, 2, 3, 4, 5, 6], 3);
    expect([...channelSums(map)]).toEqual([4, 8, 12]);
  });
});
