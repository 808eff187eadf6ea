import { describe, expect, it } from "vitest";
import { movedTo } from "./keys";
import { layoutOf } from "./tileLayout";

const AREA = { width: 832, height: 640 };

describe("the layout", () => {
  it("puts tiles of 28 × 28 at three times their size, gaps near 8 px", () => {
    const layout = layoutOf({
      planeWidth: 28,
      planeHeight: 28,
      count: 64,
      area: AREA,
      wished: null,
      parts: 1,
    });
    expect(layout.geometry.tileCssWidth).toBe(84);
    expect(layout.columns).toBe(9);
    expect(layout.rows).toBe(8);
    expect(layout.zoom).toBe(3);
    expect(layout.pitchX - layout.cellWidth).toBe(9);
  });

  it("gives a cell two tiles while comparing", () => {
    const input = { planeWidth: 28, planeHeight: 28, count: 4, area: AREA, wished: 84 };
    expect(layoutOf({ ...input, parts: 2 }).cellWidth).toBe(168);
  });
});

describe("arrow keys", () => {
  const move = (key: string, index: number, control = false) =>
    movedTo(key, index, 10, 4, 2, control);
  it("move by one, by a row, by a page, and stop at the ends", () => {
    expect(move("ArrowRight", 3)).toBe(4);
    expect(move("ArrowLeft", 0)).toBe(0);
    expect(move("ArrowDown", 1)).toBe(5);
    expect(move("ArrowDown", 7)).toBe(7);
    expect(move("ArrowUp", 1)).toBe(1);
    expect(move("PageDown", 1)).toBe(9);
    expect(move("Home", 6)).toBe(4);
    expect(move("End", 8)).toBe(9);
    expect(move("Home", 6, true)).toBe(0);
    expect(move("x", 6)).toBeNull();
  });
});
