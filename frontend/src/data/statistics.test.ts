import { describe, expect, it } from "vitest";
import type { StepInfo } from "./answers";
import { RGB } from "./channels";
import type { Client } from "./client";
import { isOf, loadTable, rangesOf, rowAt, rowsOf, sampleOf, statRow, withRow } from "./statistics";

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
    expect(rangesOf(0, 10, 64)).toEqual([[0, 10]]);
    expect(rangesOf(7, 10, 64)).toEqual([[7, 10]]);
    expect(rangesOf(10, 10, 64)).toEqual([]);
    const ranges = rangesOf(0, 900, 2048);
    expect(ranges[0]).toEqual([0, 256]);
    expect(ranges.at(-1)?.[1]).toBe(900);
  });

  it("are all asked for where they are few, or where that is wished for and bounded", () => {
    expect(sampleOf(240, 2048, false)).toBeNull();
    expect(sampleOf(100_000, 4, false)).toBe(240);
    expect(sampleOf(100_000, 4, true)).toBeNull();
    expect(sampleOf(100_000, 2048, true)).toBe(240);
    expect(sampleOf(500, 100_000, false)).toBe(5);
  });

  const of = (steps: number[], time = 1) => ({
    run: "r",
    tag: "t",
    steps,
    times: steps.map(() => time),
    complete: false,
    count: steps.length,
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
    const table = await loadTable(clientOf(answer), indexOf(steps), signal);
    expect(table.rows.map((row) => row.length / 6)).toEqual(widths);
    expect(table.rows.map((row) => [...new Set(row)])).toEqual([[0], [1], [2], [3]]);
    expect(() => rowsOf(answer([0, 3]), steps)).toThrow("24 numbers; 4 steps need 48");
  });

  const { signal } = new AbortController();
  const indexOf = (steps: readonly StepInfo[]) => ({
    ...{ run: "r", tag: "t", complete: true, sampled: false, live: true },
    ...{ count: steps.length, steps },
  });
  type Answer = (range: readonly [number, number], rows?: number) => Float32Array;
  const clientOf = (answer: Answer) =>
    ({
      stats: async (_run, _tag, range, _signal, rows) => answer(range, rows),
    }) as Partial<Client> as Client;

  it("are asked for once, evenly chosen, where the log is long", async () => {
    const steps = Array.from({ length: 100_000 }, (_, step) => info(step, 1, step));
    const asked: unknown[] = [];
    const client = clientOf((range, rows) => {
      asked.push([range, rows]);
      return new Float32Array(6 * rows!);
    });
    const table = await loadTable(client, indexOf(steps), signal);
    expect(asked).toEqual([[[0, 100_000], 240]]);
    expect(table.complete).toBe(false);
    expect([table.steps[0], table.steps[1], table.steps[239]]).toEqual([0, 418, 99_999]);
  });

  it("of steps that are known are not asked for again", async () => {
    const steps = [0, 1, 2, 3].map((step) => info(step, 1, 1));
    const asked: unknown[] = [];
    const client = clientOf(([from, to]) => {
      asked.push([from, to]);
      return Float32Array.from(steps.slice(from, to).flatMap((s) => Array(6).fill(s.step)));
    });
    const known = { ...of([0, 1, 2]), complete: true };
    const table = await loadTable(client, indexOf(steps), signal, false, known);
    expect(asked).toEqual([[3, 4]]);
    expect(table.rows[1]).toBe(known.rows[1]);
    expect(table.rows[3]?.[0]).toBe(3);
    const again = steps.map((s, i) => (i === 1 ? info(1, 1, 9) : s));
    await loadTable(client, indexOf(again), signal, false, known);
    expect(asked.at(-1)).toEqual([1, 4]);
  });

  it("that stand for all are renewed where the log has grown by a quarter", () => {
    const steps = Array.from({ length: 1300 }, (_, step) => info(step, 1, step));
    const table = { ...of([0, 999]), count: 1000 };
    expect(isOf(table, indexOf(steps.slice(0, 1250)))).toBe(true);
    expect(isOf(table, indexOf(steps.slice(0, 1251)))).toBe(false);
  });
});
