import { describe, expect, it } from "vitest";
import { LABELS } from "./matrixLayout";
import { signalLayout } from "./signalLayout";

const AREA = { width: LABELS + 800, height: 400 };
const of = { lines: true, positions: 100, count: 4, area: AREA, wished: null, parts: 1 };

describe("signalLayout", () => {
  it("gives lines the whole width, and the height in which all rows fit", () => {
    expect(signalLayout(of)).toMatchObject({ width: 800, height: 64, cells: 100, reduce: 1 });
    expect(signalLayout({ ...of, count: 300 }).height).toBe(32);
  });

  it("gives a matrix whole pixels a cell, square where they fit", () => {
    const matrix = { ...of, lines: false };
    expect(signalLayout({ ...matrix, positions: 12 })).toMatchObject({ cell: 48, height: 48 });
    expect(signalLayout(matrix)).toMatchObject({ cell: 8, width: 800, height: 16 });
  });

  it("averages no more positions than do not fit", () => {
    const long = signalLayout({ ...of, lines: false, positions: 6000 });
    expect(long).toMatchObject({ reduce: 8, cells: 750, width: 800 });
  });
});
