import { describe, expect, it } from "vitest";
import { DEFAULT_WINDOW } from "../../data/choices";
import { stackOf, TileSource } from "../../render/planes";
import { WindowTable } from "../../render/window";
import type { Selected } from "../../state/selected";
import { changeByDrag, changeToLimits, nearerEnd, parseLimit, withEnd } from "./ends";

describe("changeToLimits", () => {
  const source = new TileSource(
    stackOf(Float32Array.of(0, 4, 0, 40), { planes: 2, height: 1, width: 2 }),
  );
  const state = { ...DEFAULT_WINDOW, limits: "minmax" as const };
  const table = new WindowTable(source, state, { diverging: false });
  const selected = { shown: { table, source }, position: 0 } as unknown as Selected;

  it("gives the selected channel these limits and moves the others alike", () => {
    const change = changeToLimits(state, selected, { lo: 1, hi: 3 });
    const moved = new WindowTable(source, { ...state, ...change }, { diverging: false });
    expect(moved.limits(0).lo).toBeCloseTo(1, 12);
    expect(moved.limits(0).hi).toBeCloseTo(3, 12);
    expect(moved.limits(1).lo).toBeCloseTo(10, 12);
    expect(moved.limits(1).hi).toBeCloseTo(30, 12);
  });

  it("types the limits where the range is manual", () => {
    expect(changeToLimits({ ...state, range: "manual" }, selected, { lo: 1, hi: 3 })).toEqual({
      manual: [1, 3],
      brightness: 0,
      contrast: 0,
    });
  });

  it("moves no farther than four ranges", () => {
    expect(changeToLimits(state, selected, { lo: -1000, hi: -996 }).brightness).toBe(4);
    expect(changeByDrag({ brightness: 0, contrast: 0 }, -99999, 0).contrast).toBe(4);
  });
});

describe("ends", () => {
  it("are taken by the nearer press and never cross", () => {
    const limits = { lo: 0, hi: 10 };
    expect([nearerEnd(limits, 4), nearerEnd(limits, 6)]).toEqual(["lo", "hi"]);
    expect(withEnd(limits, "lo", 12)).toEqual({ lo: 10 - 0.001, hi: 10 });
    expect(withEnd(limits, "hi", 12)).toEqual({ lo: 0, hi: 12 });
  });
});

describe("parseLimit", () => {
  it("reads points, commas, signs and exponents", () => {
    expect(["1.5", "-2,5", "−3", "1e-8", ".5", " 7 "].map(parseLimit)).toEqual([
      1.5, -2.5, -3, 1e-8, 0.5, 7,
    ]);
  });

  it("refuses what is not a finite number", () => {
    expect(["", "x", "1e999", "NaN", "1-2", "."].map(parseLimit)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});
