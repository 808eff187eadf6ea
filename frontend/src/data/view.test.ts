import { describe, expect, it } from "vitest";
import type { StepInfo, Tensor } from "./answers";
import { channelOf, viewOf, viewQuery } from "./view";

const info = (shape: number[]): StepInfo =>
  ({ shape, examples: [0, 1, 2], step: 0, wallTime: 0 }) as unknown as StepInfo;
const key = (shape: number[]) =>
  ({ run: "r", tag: "t", kind: "activation", info: info(shape), example: 1 }) as const;
const tensor = (shape: number[]): Tensor => ({
  dtype: "float32",
  scale: 2,
  shape,
  stored: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i),
});

describe("the view of a dense layer", () => {
  it("asks for all examples, of others for the one shown", () => {
    expect(viewQuery(key([3, 4])).examples).toEqual([0, 3]);
    expect(viewQuery(key([3, 5, 4])).examples).toEqual([1, 2]);
  });

  it("has a row of examples for each channel", () => {
    // Examples × channels 3 × 2: 0 1 | 2 3 | 4 5.
    const view = viewOf(key([3, 2]), tensor([3, 2]));
    expect(view.spatial).toEqual([3]);
    expect(Array.from(view.values)).toEqual([0, 2, 4, 1, 3, 5]);
  });

  it("leaves the positions of other layers as they are", () => {
    const view = viewOf(key([3, 2, 2]), tensor([1, 2, 2]));
    expect([view.spatial, Array.from(view.values)]).toEqual([[2], [0, 1, 2, 3]]);
  });
});

describe("channelOf", () => {
  it("cuts one channel out of one example or of several", () => {
    expect(Array.from(channelOf(tensor([1, 2, 3]), 1).stored)).toEqual([3, 4, 5]);
    const dense = channelOf(tensor([3, 2]), 1);
    expect([dense.shape, Array.from(dense.stored)]).toEqual([
      [3, 1],
      [1, 3, 5],
    ]);
  });
});

describe("a view of half precision", () => {
  const half = Uint16Array.of(0x3c00, 0x4000);
  const view = viewOf(key([3, 1, 2, 1]), {
    dtype: "float16",
    scale: 1,
    shape: [1, 1, 1, 2],
    stored: half,
  });

  it("decodes its values when they are asked for", () => {
    expect(Array.from(view.values)).toEqual([1, 2]);
    expect(view.half).toBe(half);
  });

  it("hands neither bits nor values on to a copy", () => {
    expect("half" in { ...view }).toBe(false);
    expect("values" in { ...view }).toBe(false);
  });
});
