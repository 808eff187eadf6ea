import { describe, expect, it } from "vitest";
import { mapLayout } from "./mapLayout";

const well = { width: 776, height: 640 };
const of = (side: number, counts: number[], more = {}) =>
  mapLayout({
    ...{ planeWidth: side, planeHeight: side, counts, area: well, wished: null },
    ...{ parts: 1, withInput: true, ...more },
  });

describe("mapLayout", () => {
  it("puts several examples in a line where their maps fit, as large as all may be", () => {
    const layout = of(16, [2, 2, 2, 2]);
    expect(layout.lines.map((line) => line.map(({ row }) => row))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(layout.lines.flat().map(({ index }) => index)).toEqual([0, 2, 4, 6]);
    expect(layout.width).toBeLessThanOrEqual(well.width);
    expect(layout.geometry.tileCssWidth).toBe(112);
  });

  it("scrolls rather than putting maps of one example under each other", () => {
    const { lines, columns, geometry } = of(96, [3, 3, 3, 3, 3, 3, 3]);
    expect([lines.length, columns, geometry.tileCssWidth]).toEqual([7, 3, 96]);
  });

  it("wraps more targets than fit, and begins each example on a line of its own", () => {
    const { lines, columns } = of(28, [10, 10]);
    expect(columns).toBeLessThan(10);
    const ends = lines.map((line) => line.map(({ row, from, to }) => [row, from, to]));
    expect(ends.flat().filter(([row]) => row === 1)[0]).toEqual([1, 0, columns]);
    expect(lines.every((line) => line.length === 1)).toBe(true);
    expect(lines.flat().reduce((sum, { from, to }) => sum + to - from, 0)).toBe(20);
  });

  it("has a line more for what speaks against a map where that does not fit into one", () => {
    const below = (side: number) => {
      const { pitchY, geometry } = of(side, [3], { wished: side });
      return pitchY - geometry.tileCssHeight;
    };
    expect(below(96) - below(256)).toBe(14);
  });

  it("takes a size that was wished for", () => {
    const layout = of(28, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], { wished: 224 });
    expect(layout.geometry.tileCssWidth).toBe(224);
  });
});
