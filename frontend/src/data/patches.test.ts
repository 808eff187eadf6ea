import { describe, expect, it } from "vitest";
import type { LayerView } from "./answers";
import { amongPatches, gridOf, patchesOf } from "./patches";

const tag = "block_0/attention_scores";
const square = { width: 224, height: 224 };
const of = (keys: number) => ({ tag, spatial: [keys, keys] });

describe("patchesOf", () => {
  it("finds the grid, with and without tokens that are no patch", () => {
    expect(patchesOf(of(196), square)).toEqual({ rows: 14, columns: 14, skipped: 0 });
    expect(patchesOf(of(197), square)).toEqual({ rows: 14, columns: 14, skipped: 1 });
    expect(patchesOf(of(198), square)).toEqual({ rows: 14, columns: 14, skipped: 2 });
  });

  it("has the proportion of the picture", () => {
    expect(patchesOf(of(33), { width: 64, height: 32 })).toEqual({
      rows: 4,
      columns: 8,
      skipped: 1,
    });
    expect(patchesOf(of(36), { width: 64, height: 32 })).toBeNull();
  });

  it("is none of tokens of a text, of windows, and where queries are others than keys", () => {
    expect(patchesOf(of(12), square)).toBeNull();
    expect(patchesOf({ tag, spatial: [4, 16, 16] }, square)).toBeNull();
    expect(patchesOf({ tag, spatial: [9, 16] }, square)).toBeNull();
    expect(patchesOf({ tag: "conv", spatial: [16, 16] }, square)).toBeNull();
  });

  it("tells a sequence of patches from a course", () => {
    expect(gridOf(65, { width: 64, height: 64 })).toEqual({ rows: 8, columns: 8, skipped: 1 });
    expect(gridOf(64, { width: 20, height: 16 })).toBeNull();
  });
});

describe("amongPatches", () => {
  const grid = { rows: 2, columns: 2, skipped: 1 };
  const values = Float32Array.from({ length: 2 * 25 }, (_, i) => i);
  const view = {
    tag,
    channels: 2,
    spatial: [5, 5],
    planeSize: 25,
    values,
    scale: 1,
  } as unknown as LayerView;

  it("keeps every query and the keys that are patches", () => {
    const part = amongPatches(view, grid);
    expect(part).toMatchObject({ spatial: [5, 4], planeSize: 20, channels: 2 });
    expect(part.values.length).toBe(40);
    expect([...part.values.subarray(0, 8)]).toEqual([1, 2, 3, 4, 6, 7, 8, 9]);
    expect([...part.values.subarray(20, 24)]).toEqual([26, 27, 28, 29]);
  });

  it("is made once for a view, and is the view where no token stands before the patches", () => {
    expect(amongPatches(view, grid)).toBe(amongPatches(view, grid));
    const whole = { ...view, spatial: [4, 4] };
    expect(amongPatches(whole, { ...grid, skipped: 0 })).toBe(whole);
  });
});
