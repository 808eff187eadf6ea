import { describe, expect, it } from "vitest";
import { RGB } from "./channels";
import { rangesOf, statRow, withRow } from "./statistics";

describe("statRow", () => {
  const table = Float32Array.of(
    ...[0, 1, 0.5, 0.5, 0.5, 0],
    ...[-1, 0, -0.5, 0.5, 0.5, 2],
    ...[0, 3, 1.5, 1.5, 0.5, 1],
  );

  it("is one channel's numbers", () => {
    expect(Array.from(statRow(table, 1))).toEqual([-1, 0, -0.5, 0.5, 0.5, 2]);
  });

  it("is what three channels of equally many values hold together", () => {
    // As of the values 0, 1, −1, 0, 0, 3.
    const [min, max, mean, std, zeros, nonfinite] = statRow(table, RGB);
    expect([min, max, mean, zeros, nonfinite]).toEqual([-1, 3, 0.5, 0.5, 3]);
    expect(std).toBeCloseTo(Math.sqrt(11 / 6 - 0.25), 5);
  });
});

describe("statistics", () => {
  it("come in one answer where they fit, and in pieces under the limit where not", () => {
    expect(rangesOf(10, 64)).toEqual([[0, 10]]);
    const ranges = rangesOf(900, 2048);
    expect(ranges[0]).toEqual([0, 256]);
    expect(ranges.at(-1)?.[1]).toBe(900);
  });

  it("are sampled evenly where the log is very long, first and last step among them", () => {
    const ranges = rangesOf(100_000, 2048);
    expect(ranges.length).toBeLessThanOrEqual(120);
    expect(ranges[0]).toEqual([0, 1]);
    expect(ranges.at(-1)).toEqual([99_999, 100_000]);
  });

  it("take a single row into its place", () => {
    const of = (steps: number[]) => ({
      run: "r",
      tag: "t",
      steps,
      complete: false,
      channels: 1,
      table: Float32Array.from(steps.flatMap((step) => [step, 0, 0, 0, 0, 0])),
    });
    const table = withRow(of([0, 20]), of([10]));
    expect(table.steps).toEqual([0, 10, 20]);
    expect([table.table[0], table.table[6], table.table[12]]).toEqual([0, 10, 20]);
  });
});
