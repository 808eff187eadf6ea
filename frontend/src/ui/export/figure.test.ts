import { describe, expect, it } from "vitest";
import { figureLayout, fileName, largestScale } from "./figure";

const tile = { width: 84, height: 84 };

describe("figureLayout", () => {
  it("puts up to eight tiles in one row", () => {
    const layout = figureLayout({ count: 6, tile, captions: 1 });
    expect(layout).toMatchObject({ columns: 6, rows: 1, pitchX: 92, pitchY: 106 });
    expect(layout.width).toBe(6 * 92 - 8 + 32);
  });

  it("wraps many into rows a little wider than high", () => {
    const { columns, rows } = figureLayout({ count: 512, tile, captions: 1 });
    expect(columns * rows).toBeGreaterThanOrEqual(512);
    expect((columns * 92) / (rows * 106)).toBeGreaterThan(1.3);
    expect((columns * 92) / (rows * 106)).toBeLessThan(2);
  });

  it("leaves room for title and colour bar where there is one small tile", () => {
    expect(figureLayout({ count: 1, tile: { width: 64, height: 64 }, captions: 1 }).width).toBe(
      512,
    );
  });
});

describe("largestScale", () => {
  it("stops where a canvas would fail", () => {
    expect(largestScale({ width: 600, height: 200 })).toBe(4);
    expect(largestScale({ width: 7500, height: 5900 })).toBe(1);
    expect(largestScale({ width: 20000, height: 100 })).toBe(0);
  });
});

describe("fileName", () => {
  it("holds nothing that a file system refuses", () => {
    expect(fileName("encoder/conv 1:0", 40, "example2", "png")).toBe(
      "encoder-conv-1-0_step40_example2.png",
    );
  });
});
