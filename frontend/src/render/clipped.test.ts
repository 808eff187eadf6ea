import { describe, expect, it } from "vitest";
import type { Span } from "../data/choices";
import { clippedShare } from "./clipped";
import { stackOf, TileSource } from "./planes";

const source = new TileSource(
  stackOf(Float32Array.of(0, 1, 2, 3, Number.NaN, 5, 6, 7), {
    planes: 2,
    height: 2,
    width: 2,
    scale: 2,
  }),
);

/** All of it at once. */
function drained(of: TileSource, limits: (plane: number) => Span): number {
  const work = clippedShare(of, limits);
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

describe("clippedShare", () => {
  it("counts the finite values outside of each plane's limits, in true values", () => {
    expect(drained(source, () => ({ lo: 0, hi: 14 }))).toBe(0);
    expect(drained(source, () => ({ lo: 2, hi: 4 }))).toBe(5 / 7);
    expect(drained(source, (plane) => ({ lo: 0, hi: plane ? 11 : 6 }))).toBe(2 / 7);
    const nothing = new TileSource(
      stackOf(Float32Array.of(Number.NaN), { planes: 1, height: 1, width: 1 }),
    );
    expect(drained(nothing, () => ({ lo: 0, hi: 1 }))).toBe(0);
  });
});
