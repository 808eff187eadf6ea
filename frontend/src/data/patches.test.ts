import { describe, expect, it } from "vitest";
import { patchesOf } from "./patches";

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
});
