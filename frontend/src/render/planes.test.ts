import { describe, expect, it } from "vitest";
import type { LayerView } from "../data/answers";
import { depthOf, sourceOf, stackOf, TileSource } from "./planes";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

describe("TileSource", () => {
  // Two planes of 2×3, scale 2.
  const source = new TileSource(
    stackOf(Float32Array.of(1, -2, nan, 4, inf, 0, 0, 0, 0, 0, 0, 0), {
      planes: 2,
      height: 2,
      width: 3,
      scale: 2,
    }),
  );

  it("reads true values by plane, x and y, and NaN outside", () => {
    expect(source.value(0, 1, 0)).toBe(-4);
    expect(source.value(0, 0, 1)).toBe(8);
    expect(source.value(0, 3, 0)).toBeNaN();
    expect(source.value(2, 0, 0)).toBeNaN();
  });

  it("knows the extent over finite values and counts the others", () => {
    expect(source.extent(0)).toEqual({ min: -4, max: 8, finite: 4, nonfinite: 2, zeros: 1 });
    expect(source.extentOfAll()).toEqual({ min: -4, max: 8, finite: 10, nonfinite: 2, zeros: 7 });
  });

  it("calls a plane silent only where every value is zero", () => {
    expect([source.silent(0), source.silent(1)]).toEqual([false, true]);
  });

  it("has no extent where nothing is finite", () => {
    const none = new TileSource(
      stackOf(Float32Array.of(nan, inf), { planes: 1, height: 1, width: 2 }),
    );
    expect(none.extent(0)).toEqual({ min: nan, max: nan, finite: 0, nonfinite: 2, zeros: 0 });
    expect(none.extentOfAll().min).toBeNaN();
  });

  it("averages blocks, ragged edges too, and lets a single NaN or infinity win", () => {
    const values = Float32Array.of(1, 3, 5, 5, 7, 5, nan, 1, inf, 1, 1, 2);
    const small = new TileSource(stackOf(values, { planes: 1, height: 4, width: 3 })).reduced(2);
    expect([small.stack.width, small.stack.height]).toEqual([2, 2]);
    const at = (x: number, y: number) => small.value(0, x, y);
    expect([at(0, 0), at(1, 0), at(0, 1), at(1, 1)]).toEqual([4, 5, nan, inf]);
  });
});

describe("planes of a view", () => {
  const view = (spatial: number[], channels: number, count: number): LayerView =>
    ({
      info: {},
      spatial,
      channels,
      scale: 1,
      values: Float32Array.from({ length: count }, (_, i) => i),
    }) as unknown as LayerView;

  it("decodes half precision plane by plane, and only what is looked at", () => {
    const half = Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400);
    const lazy = { info: {}, spatial: [1, 2], channels: 2, scale: 2, half } as unknown as LayerView;
    const source = sourceOf(lazy);
    expect(source.value(1, 1, 0)).toBe(8);
    expect(Array.from(source.stack.values)).toEqual([0, 0, 3, 4]);
    expect(source.extentOfAll()).toEqual({ min: 2, max: 8, finite: 4, nonfinite: 0, zeros: 0 });
    expect(source.reduced(2).value(0, 0, 0)).toBe(3);
  });

  it("takes one depth of a volume without copying", () => {
    const volume = view([2, 2, 2], 2, 16);
    const second = sourceOf(volume, 1);
    expect(second.stack.values).toBe(volume.values);
    expect([second.value(0, 0, 0), second.value(1, 1, 1)]).toEqual([4, 15]);
    expect(second.extent(1)).toEqual({ min: 12, max: 15, finite: 4, nonfinite: 0, zeros: 0 });
    expect(sourceOf(volume, 1)).toBe(second);
  });

  it("averages one depth alone", () => {
    expect(
      sourceOf(view([2, 2, 2], 2, 16), 1)
        .reduced(2)
        .value(1, 0, 0),
    ).toBe(13.5);
  });

  it("lays a sequence in one row and a dense channel in one pixel", () => {
    const { width, height, planes } = sourceOf(view([5], 3, 15)).stack;
    expect([width, height, planes]).toEqual([5, 1, 3]);
    expect(sourceOf(view([], 4, 4)).value(2, 0, 0)).toBe(2);
  });

  it("refuses a depth that is not there", () => {
    expect(() =>
      depthOf(new Float32Array(8), { channels: 1, depth: 2, height: 2, width: 2 }, 2),
    ).toThrow("no depth 2; the volume has 2");
  });
});
