/**
 * Statistics tables of a layer over its steps, from `/stats`.
 *
 * One answer holds at most 16 MiB, so a long log comes in pieces; a very long one is sampled evenly,
 * its first and last step among the rows.
 */
import { STAT_COLUMNS, type StatsTable, type StepIndex } from "./answers";
import { RGB } from "./channels";
import type { Client } from "./client";

const ANSWER_BYTES = 12 * 2 ** 20;
const TABLE_BYTES = 48 * 2 ** 20;
const SAMPLED_ROWS = 120;

/** Bytes of one step's row. */
export function rowBytes(channels: number): number {
  return channels * STAT_COLUMNS * 4;
}

/** Half-open ranges of positions that hold the rows wanted, each within one answer. */
export function rangesOf(count: number, channels: number): readonly (readonly [number, number])[] {
  const bytes = rowBytes(channels);
  if (count * bytes > TABLE_BYTES) {
    const rows = Math.max(2, Math.min(SAMPLED_ROWS, Math.floor(TABLE_BYTES / bytes)));
    const positions = Array.from({ length: rows }, (_, i) =>
      Math.round((i * (count - 1)) / (rows - 1)),
    );
    return positions.map((position) => [position, position + 1] as const);
  }
  const rows = Math.max(1, Math.floor(ANSWER_BYTES / bytes));
  return Array.from({ length: Math.ceil(count / rows) }, (_, i) => [
    i * rows,
    Math.min(count, (i + 1) * rows),
  ]);
}

/** All rows, or as many as the limit allows. */
export async function loadTable(
  client: Client,
  index: StepIndex,
  signal: AbortSignal,
): Promise<StatsTable> {
  const channels = Math.max(0, ...index.steps.map((info) => info.channels));
  const ranges = rangesOf(index.steps.length, channels);
  const parts: Float32Array[] = [];
  for (const range of ranges) {
    parts.push(await client.stats(index.run, index.tag, range, signal));
  }
  const steps = ranges.flatMap(([from, to]) => index.steps.slice(from, to).map((s) => s.step));
  return {
    run: index.run,
    tag: index.tag,
    steps,
    complete: steps.length === index.steps.length,
    channels,
    table: concatenate(parts),
  };
}

/** The row of one position alone: what a first look needs. */
export async function loadRow(
  client: Client,
  index: StepIndex,
  position: number,
  signal: AbortSignal,
): Promise<StatsTable> {
  const { run, tag, steps } = index;
  const info = steps[position]!;
  const table = await client.stats(run, tag, [position, position + 1], signal);
  return { run, tag, steps: [info.step], complete: false, channels: info.channels, table };
}

/** `table` with the row of `row` added in its place. */
export function withRow(table: StatsTable, row: StatsTable): StatsTable {
  const step = row.steps[0]!;
  if (table.steps.includes(step) || table.channels !== row.channels) return table;
  const at = table.steps.filter((s) => s < step).length;
  const size = table.channels * STAT_COLUMNS;
  return {
    ...table,
    steps: [...table.steps.slice(0, at), step, ...table.steps.slice(at)],
    table: concatenate([
      table.table.subarray(0, at * size),
      row.table,
      table.table.subarray(at * size),
    ]),
  };
}

/**
 * The six numbers of one channel out of `[channels, 6]`; those of the three colours of a picture
 * together, which hold as many values each.
 */
export function statRow(stats: Float32Array, id: number): Float32Array {
  if (id !== RGB) return stats.subarray(id * STAT_COLUMNS, (id + 1) * STAT_COLUMNS);
  const of = (column: number) => [0, 1, 2].map((c) => stats[c * STAT_COLUMNS + column] as number);
  const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
  const middle = mean(of(2));
  const squares = of(3).map((std, c) => std ** 2 + ((of(2)[c] as number) - middle) ** 2);
  return Float32Array.of(
    Math.min(...of(0)),
    Math.max(...of(1)),
    middle,
    Math.sqrt(mean(squares)),
    mean(of(4)),
    of(5).reduce((sum, n) => sum + n, 0),
  );
}

/** What statistics are of: all examples that ran, not those stored or shown. */
export function examplesText(batch: number): string {
  return batch === 1 ? "the one example" : `all ${batch} examples`;
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
