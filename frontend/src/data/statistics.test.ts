import { describe, expect, it } from "vitest";
import { rangesOf, withRow } from "./statistics";

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
