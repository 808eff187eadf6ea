import { describe, expect, it } from "vitest";
import type { StepInfo } from "./answers";
import { RGB } from "./channels";
import type { Client } from "./client";
import { loadTable, rangesOf, rowAt, rowsOf, statRow, withRow } from "./statistics";

const info = (step: number, channels: number, wallTime: number) =>
  ({ step, channels, wallTime }) as StepInfo;

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

  const of = (steps: number[], time = 1) => ({
    run: "r",
    tag: "t",
    steps,
    times: steps.map(() => time),
    complete: false,
    rows: steps.map((step) => Float32Array.of(step, time, 0, 0, 0, 0)),
  });

  it("take a single row into its place, or into that of a step logged again", () => {
    const table = withRow(of([0, 20]), of([10]));
    expect(table.steps).toEqual([0, 10, 20]);
    expect(table.rows.map((row) => row[0])).toEqual([0, 10, 20]);
    const again = withRow(table, of([10], 2));
    expect(again.steps).toEqual([0, 10, 20]);
    expect(again.rows.map((row) => row[1])).toEqual([1, 2, 1]);
    expect(rowAt(again, info(10, 1, 2))).toBe(again.rows[1]);
    expect(rowAt(again, info(10, 1, 1))).toBeNull();
  });

  it("are as wide at each step as the layer was", async () => {
    const widths = [1, 1, 2, 4];
    const steps = widths.map((channels, step) => info(step, channels, 1));
    // As many numbers a channel as six, each of them the step.
    const answer = ([from, to]: readonly [number, number]) =>
      Float32Array.from(steps.slice(from, to).flatMap((s) => Array(6 * s.channels).fill(s.step)));
    const client = {
      stats: async (_run, _tag, range) => answer(range),
    } as Partial<Client> as Client;
    const index = { run: "r", tag: "t", complete: true, sampled: false, steps };
    const table = await loadTable(client, index, new AbortController().signal);
    expect(table.rows.map((row) => row.length / 6)).toEqual(widths);
    expect(table.rows.map((row) => [...new Set(row)])).toEqual([[0], [1], [2], [3]]);
    expect(() => rowsOf(answer([0, 3]), steps)).toThrow("24 numbers; 4 steps need 48");
  });
});
