import { describe, expect, it } from "vitest";
import { heightOf, lineOf, ticksOf, tickTexts } from "./lines";
import { stackOf, TileSource } from "./planes";

const { NaN: nan, POSITIVE_INFINITY: up, NEGATIVE_INFINITY: down } = Number;
const BOX = { width: 40, height: 23 };
const SPAN = { lo: 0, hi: 10 };

function signal(values: readonly number[], scale = 1): TileSource {
  const width = values.length;
  return new TileSource(stackOf(Float32Array.from(values), { planes: 1, height: 1, width, scale }));
}

describe("lineOf", () => {
  it("has each value in the middle of its position, in true units", () => {
    expect(lineOf(signal([0, 5, 10, 0], 1), 0, BOX, SPAN).path).toBe(
      lineOf(signal([0, 2.5, 5, 0], 2), 0, BOX, SPAN).path,
    );
    expect(lineOf(signal([0, 5, 10, 0]), 0, BOX, SPAN).path).toBe(
      "M5.0 21.5h.1L15.0 11.5L25.0 1.5L35.0 21.5",
    );
  });

  it("tells NaN, +Inf and −Inf apart, and draws what stands between them", () => {
    const { path, marks } = lineOf(signal([nan, 5, up, down]), 0, BOX, SPAN);
    expect(marks).toEqual(["M5.0 0V23", "M25.0 0V11.5", "M35.0 11.5V23"]);
    expect(path).toBe("M15.0 11.5h.1");
  });

  it("shows the part that is looked at alone", () => {
    const { path } = lineOf(signal([0, 5, 10, 0]), 0, BOX, SPAN, { x: 1, width: 2 });
    expect(path).toBe("M10.0 11.5h.1L30.0 1.5");
  });

  it("cuts what lies far outside of the span, so that nothing overflows", () => {
    expect(heightOf(1e38, { lo: 0, hi: 1e-38 }, 20)).toBe(-20);
    expect(lineOf(signal([1e38]), 0, BOX, { lo: 0, hi: 1e-3 }).path).not.toMatch(/NaN|Inf/);
  });
});

describe("ticksOf", () => {
  it("are round numbers within the span", () => {
    expect(ticksOf({ lo: -2.656, hi: 2.818 }, 5)).toEqual([-2, 0, 2]);
    expect(ticksOf({ lo: 0, hi: 255 }, 10)).toEqual([0, 50, 100, 150, 200, 250]);
    expect(ticksOf({ lo: 0, hi: 3 }, 10, 1)).toEqual([0, 1, 2, 3]);
  });

  it("are none where the span has no width", () => {
    expect(ticksOf({ lo: 1, hi: 1 }, 5)).toEqual([]);
    expect(ticksOf({ lo: nan, hi: 1 }, 5)).toEqual([]);
  });
});

describe("tickTexts", () => {
  it("has no zeros at the end that all of them have", () => {
    expect(tickTexts([0, 0.2, 0.4, 0.6], 0.7)).toEqual(["0", "0.2", "0.4", "0.6"]);
    expect(tickTexts([-1, -0.5, 0, 0.5], 1.2)).toEqual(["-1.0", "-0.5", "0", "0.5"]);
    expect(tickTexts([-2, 0, 2], 2.8)).toEqual(["-2", "0", "2"]);
    expect(tickTexts([100, 200], 255)).toEqual(["100", "200"]);
    expect(tickTexts([0.15, 0.2], 0.2)).toEqual(["0.15", "0.20"]);
    expect(tickTexts([0], 1)).toEqual(["0"]);
    expect(tickTexts([], 1)).toEqual([]);
  });
});
