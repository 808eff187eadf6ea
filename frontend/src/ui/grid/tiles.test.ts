import { describe, expect, it } from "vitest";
import { stripGeometry } from "../../render/strip";
import { layoutOf } from "./tileLayout";
import { capacity, chooseTile, nearestTile, tileSizes } from "./tiles";

const area = { width: 800, height: 600 };
const widthOf = (side: number, count: number) => chooseTile(side, side, count, area).width;

describe("chooseTile", () => {
  it("takes the smallest multiple of 64 to 128 px where not all fit", () => {
    expect([28, 56, 14, 224].map((side) => widthOf(side, 4096))).toEqual([84, 112, 70, 112]);
  });

  it("takes the largest with which all fit", () => {
    // 800×600 holds 6 × 4 tiles of 112 + 24 and 8 × 5 of 84 + 24.
    expect(capacity(stripGeometry(28, 28, 112), area)).toBe(24);
    expect(capacity(stripGeometry(28, 28, 84), area)).toBe(40);
    expect([24, 25, 40, 41].map((count) => widthOf(28, count))).toEqual([112, 84, 84, 84]);
  });

  it("uses the room where all fit: up to 256 px, one tile up to 512", () => {
    expect([1, 2, 6, 7, 12].map((count) => widthOf(28, count))).toEqual([504, 252, 252, 168, 168]);
    expect(widthOf(128, 1)).toBe(512);
    // A well that is too small for that.
    expect(chooseTile(28, 28, 1, { width: 300, height: 200 }).width).toBe(168);
    expect(chooseTile(28, 28, 1, { width: 60, height: 40 }).width).toBe(84);
  });

  it("takes no size with which the layout does not hold all, where another does", () => {
    const heightOf = (wished: number | null, side: number, count: number, well: typeof area) => {
      const sizes = { planeWidth: side, planeHeight: side };
      const { rows, pitchY } = layoutOf({ ...sizes, count, area: well, wished, parts: 1 });
      return rows * pitchY - 8;
    };
    for (const well of [area, { width: 832, height: 637 }, { width: 1496, height: 1000 }])
      for (const side of [5, 7, 10, 13, 28, 51, 56, 131])
        for (let count = 1; count <= 130; count++) {
          const sizes = tileSizes(side, side).filter(({ width }) => width >= 64 && width <= 128);
          const fits = sizes.some(({ width }) => heightOf(width, side, count, well) <= well.height);
          if (fits) expect(heightOf(null, side, count, well)).toBeLessThanOrEqual(well.height);
        }
  });

  it("keeps what stands side by side in one cell together", () => {
    const well = { width: 776, height: 620 };
    // Six tiles of 248 would fit, three pairs of them would not.
    expect(chooseTile(8, 8, 6, well).width).toBe(248);
    expect(chooseTile(8, 8, 3, well, 2).width).toBe(192);
    expect(chooseTile(28, 28, 1, area, 2).width).toBe(252);
  });

  it("goes by the larger side", () => {
    expect(chooseTile(100, 25, 14, area)).toEqual({ zoom: 2, width: 200, height: 50 });
    expect(chooseTile(100, 25, 400, area)).toEqual({ zoom: 1, width: 100, height: 25 });
    expect(chooseTile(25, 200, 4096, area)).toEqual({ zoom: 1 / 2, width: 13, height: 100 });
  });

  it("has a size for every plane", () => {
    for (let side = 1; side <= 2048; side++) {
      const [one, some, many] = [1, 6, 4096].map((count) => widthOf(side, count)) as [
        number,
        number,
        number,
      ];
      expect(many).toBeGreaterThanOrEqual(64);
      expect(many).toBeLessThanOrEqual(128);
      expect(some).toBeGreaterThanOrEqual(many);
      expect(some).toBeLessThanOrEqual(256);
      expect(one).toBeGreaterThanOrEqual(some);
      expect(one).toBeLessThanOrEqual(512);
    }
  });
});

describe("tileSizes", () => {
  it("offers whole parts and whole multiples only, ascending", () => {
    const widths = (side: number) => tileSizes(side, side).map((size) => size.width);
    expect(widths(224)).toEqual([16, 28, 32, 56, 112, 224, 448]);
    expect(widths(131).slice(-5)).toEqual([44, 66, 131, 262, 393]);
    expect(
      tileSizes(28, 28)
        .map((size) => size.width)
        .slice(0, 3),
    ).toEqual([28, 56, 84]);
  });

  it("finds the nearest to a wish", () => {
    expect(nearestTile(tileSizes(28, 28), 100).width).toBe(112);
    expect(nearestTile(tileSizes(28, 28), 97).width).toBe(84);
  });
});
