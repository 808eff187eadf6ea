import { describe, expect, it } from "vitest";
import { countWords, LABELS, labelsFor, matrixLayout } from "./matrixLayout";

const area = { width: LABELS + 800, height: 600 };
const layout = (positions: number, count: number, wished: number | null = null) =>
  matrixLayout({ positions, count, area, wished });

describe("countWords", () => {
  it("says how many columns of a stretch have which word, and nothing where none has", () => {
    const words: string[] = Array.from({ length: 45 }, (_, i) =>
      i < 3 ? "dead" : i === 5 ? "NaN" : "",
    );
    words[44] = "const";
    words[21] = "dead";
    expect(countWords(words, 4)).toEqual([
      { column: 0, text: "3 dead, 1 NaN" },
      { column: 20, text: "1 dead, 1 const" },
    ]);
    expect(countWords(words.slice(0, 10), 4)).toEqual([{ column: 0, text: "3 dead, 1 NaN" }]);
  });
});

describe("matrixLayout", () => {
  it("takes the largest cells with which all bands fit", () => {
    // 10 × 10 in cells of 48: one band. 10 × 128 in cells of 20: 50 a band in 16: 3 bands of 218; 66 in 12: 2 of 178.
    expect(layout(10, 10)).toMatchObject({ cell: 48, bands: 1, columns: 16, height: 480 });
    expect(layout(10, 128)).toMatchObject({ cell: 12, columns: 66, bands: 2, pitch: 178 });
  });

  it("falls back to 8 px and scrolls down, never sideways", () => {
    const large = layout(512, 768);
    expect(large).toMatchObject({ cell: 8, columns: 100, bands: 8 });
    expect(large.columns * large.cell).toBeLessThanOrEqual(800);
  });

  it("takes the wished size, but not that of a tile", () => {
    expect(layout(10, 128, 24).cell).toBe(24);
    expect(layout(10, 128, 112).cell).toBe(12);
  });

  it("averages positions beyond a thousand", () => {
    expect(layout(16000, 4)).toMatchObject({ reduce: 16, rows: 1000 });
  });

  it("puts a second matrix under the first, an empty row between", () => {
    const two = matrixLayout({ positions: 10, count: 10, area, wished: 20, parts: 2 });
    expect(two).toMatchObject({ rows: 10, parts: 2, height: 21 * 20 });
  });
});

describe("labelsFor", () => {
  it("makes room for the longest name, within reason, and the cells begin behind it", () => {
    expect(labelsFor(["0", "1"])).toBe(LABELS);
    const labels = labelsFor(["0 “cat”", "1 “astronaut”"]);
    expect(labels).toBeGreaterThan(13 * 6 + 8);
    expect(labelsFor(["a name that is longer than the column of the names may be"])).toBe(170);
    const wide = matrixLayout({ positions: 4, count: 100, area, wished: 24, labels });
    expect(wide).toMatchObject({ labels, columns: Math.floor((area.width - labels) / 24) });
  });
});
