import { describe, expect, it } from "vitest";
import type { StepInfo } from "./answers";
import { pooled, pooledTensor, poolIn } from "./pool";

const [nan, infinite] = [Number.NaN, Number.POSITIVE_INFINITY];
const info = (shape: readonly number[], more = {}) =>
  ({ shape, dtype: "float16", explained: null, ...more }) as StepInfo;

describe("examples as one", () => {
  it("are their mean or their largest; what is not finite stays so", () => {
    const parts = [Float32Array.of(1, nan, -3, infinite), Float32Array.of(4, 1, -9, -infinite)];
    expect([...pooled(parts, "mean")]).toEqual([2.5, nan, -6, nan]);
    expect([...pooled(parts, "largest")]).toEqual([4, nan, -3, infinite]);
  });

  it("are decoded first, and keep their scale", () => {
    const stored = Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400);
    const tensor = { dtype: "float16", scale: 8, shape: [2, 1, 1, 2], stored } as const;
    const mean = pooledTensor(tensor, "mean");
    expect([mean.shape, mean.scale, [...mean.stored]]).toEqual([[1, 1, 1, 2], 8, [2, 3]]);
  });

  it("are not of a dense layer, of one example, of what explains, or of what is too much", () => {
    expect(poolIn(info([4, 8, 8, 3]), "mean")).toBe("mean");
    expect(poolIn(info([4, 8, 8, 3]), null)).toBeNull();
    for (const other of [info([4, 30]), info([4, 1, 1, 30]), info([1, 8, 8, 3])]) {
      expect(poolIn(other, "mean")).toBeNull();
    }
    expect(poolIn(info([4, 8, 8, 3], { explained: {} }), "mean")).toBeNull();
    expect(poolIn(info([64, 224, 224, 64]), "largest")).toBeNull();
  });
});
