import { describe, expect, it } from "vitest";
import { stackOf, TileSource } from "./planes";
import { formOf, isLines, linesOf, matrixShape, pictureOf } from "./sample";

const nan = Number.NaN;
const source = (values: number[], planes: number, height: number, width: number) =>
  new TileSource(stackOf(Float32Array.from(values), { planes, height, width }));

describe("formOf", () => {
  it("tells vectors and signals from pictures by their planes", () => {
    expect(formOf(source([1, 2, 3], 3, 1, 1).stack)).toBe("vector");
    expect(formOf(source([1, 2, 3], 1, 1, 3).stack)).toBe("signal");
    expect(formOf(source([1, 2, 3], 1, 3, 1).stack)).toBe("signal");
    expect(formOf(source([1, 2, 3, 4], 1, 2, 2).stack)).toBe("picture");
  });
});

describe("pictureOf", () => {
  it("puts a vector into a matrix, row by row", () => {
    expect([1, 3, 64, 10].map(matrixShape)).toEqual([
      { columns: 1, rows: 1 },
      { columns: 2, rows: 2 },
      { columns: 8, rows: 8 },
      { columns: 4, rows: 3 },
    ]);
    const { stack } = pictureOf(source([1, 2, 3], 3, 1, 1));
    expect([stack.planes, stack.height, stack.width]).toEqual([1, 2, 2]);
    expect(Array.from(stack.values)).toEqual([1, 2, 3, 0]);
  });

  it("leaves whole numbers, as those of tokens, in one row", () => {
    const stack = stackOf(Float32Array.of(101, 7, 7, 102, 0), { planes: 5, height: 1, width: 1 });
    const picture = pictureOf(new TileSource({ ...stack, whole: true })).stack;
    expect([picture.planes, picture.height, picture.width]).toEqual([1, 1, 5]);
    expect(Array.from(picture.values)).toEqual([101, 7, 7, 102, 0]);
  });

  it("puts the channels of a signal under each other", () => {
    const { stack } = pictureOf(source([1, 2, 3, 4, 5, 6], 2, 1, 3));
    expect([stack.planes, stack.height, stack.width]).toEqual([1, 2, 3]);
    expect(Array.from(stack.values)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("linesOf", () => {
  it("runs from left to right, all channels under one scale", () => {
    const [one, two] = linesOf(source([0, 2, 4, 4, 4, 4], 2, 1, 3), 20, 13);
    expect(one?.path).toBe("M3.3 11.5h.1L10.0 6.5L16.7 1.5");
    expect(two?.path).toBe("M3.3 1.5h.1L10.0 1.5L16.7 1.5");
    expect(one?.marks).toEqual(["", "", ""]);
  });

  it("keeps every peak where values are more than pixels", () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i === 777 ? 1 : 0));
    const [line] = linesOf(source(values, 1, 1, 1000), 10, 13);
    expect(line?.path.match(/V1\.5/g)).toHaveLength(1);
    expect(line?.path.split("L")).toHaveLength(10);
  });

  it("breaks at what is not finite, and marks it", () => {
    const [line] = linesOf(source([0, nan, 1, 0], 1, 1, 4), 30, 13);
    expect(line).toEqual({
      path: "M3.8 11.5h.1M18.8 1.5h.1L26.3 11.5",
      marks: ["M11.3 0V13", "", ""],
    });
    const [hidden] = linesOf(source([0, nan, 1, 0], 1, 1, 4), 2, 13);
    expect(hidden?.marks).toEqual(["M0.5 0V13", "", ""]);
  });

  it("is for few channels", () => {
    expect(isLines(source([1, 2, 3, 4], 1, 1, 4))).toBe(true);
    expect(isLines(source(Array(10).fill(0), 5, 1, 2))).toBe(false);
    expect(isLines(source([1, 2], 2, 1, 1))).toBe(false);
  });
});
