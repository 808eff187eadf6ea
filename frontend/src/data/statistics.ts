/**
 * Statistics tables of a layer over its steps, from `/stats`.
 *
 * Of a long log some rows are asked for, evenly chosen, the first and the last step among them. All of
 * them, where they are wanted, come in pieces: one answer holds at most 16 MiB.
 */
import {
  type LayerView,
  STAT_COLUMNS,
  type StatsTable,
  type StepIndex,
  type StepInfo,
} from "./answers";
import { RGB } from "./channels";
import type { Client } from "./client";
import { AnswerError } from "./json";

const ANSWER_BYTES = 12 * 2 ** 20;
const TABLE_BYTES = 48 * 2 ** 20;
const SAMPLED_ROWS = 240;
const NEARLY = 1.25;

/** Bytes of one step's row. */
export function rowBytes(channels: number): number {
  return channels * STAT_COLUMNS * 4;
}

/** Half-open ranges of positions, each within one answer. */
export function rangesOf(
  from: number,
  to: number,
  channels: number,
): readonly (readonly [number, number])[] {
  const rows = Math.max(1, Math.floor(ANSWER_BYTES / rowBytes(channels)));
  return Array.from({ length: Math.ceil((to - from) / rows) }, (_, i) => [
    from + i * rows,
    Math.min(to, from + (i + 1) * rows),
  ]);
}

/** How many rows of so many stand for all, evenly chosen, where all are more than anyone looks at. */
export function sampleOf(count: number, channels: number, whole: boolean): number | null {
  const bytes = rowBytes(channels);
  const most = whole ? TABLE_BYTES / bytes : SAMPLED_ROWS;
  return count > most
    ? Math.max(2, Math.min(SAMPLED_ROWS, Math.floor(ANSWER_BYTES / bytes)))
    : null;
}

/**
 * All rows where they are few, or where `whole` asks for as many as the limit allows; else some, evenly
 * chosen. Rows of `known` that are still of the tag's first steps are kept.
 */
export async function loadTable(
  client: Client,
  index: StepIndex,
  signal: AbortSignal,
  whole = false,
  known: StatsTable | null = null,
): Promise<StatsTable> {
  const { run, tag, steps } = index;
  const channels = steps.reduce((most, info) => Math.max(most, info.channels), 0);
  const sample = sampleOf(steps.length, channels, whole);
  if (sample !== null) {
    const last = steps.length - 1;
    const infos = Array.from(
      { length: sample },
      (_, i) => steps[Math.floor((i * last) / (sample - 1))]!,
    );
    const answer = await client.stats(run, tag, [0, steps.length], signal, sample);
    return tableOf(index, infos, rowsOf(answer, infos));
  }
  const rows = known?.complete ? known.rows.slice(0, commonOf(known, index)) : [];
  for (const range of rangesOf(rows.length, steps.length, channels)) {
    const answer = await client.stats(run, tag, range, signal);
    for (const row of rowsOf(answer, steps.slice(...range))) rows.push(row);
  }
  return tableOf(index, steps, rows);
}

function tableOf(
  { run, tag, steps }: StepIndex,
  infos: readonly StepInfo[],
  rows: readonly Float32Array[],
): StatsTable {
  return {
    run,
    tag,
    steps: infos.map((info) => info.step),
    times: infos.map((info) => info.wallTime),
    complete: infos.length === steps.length,
    count: steps.length,
    rows,
  };
}

/** An answer cut into its steps: each is as wide as the layer was then. */
export function rowsOf(answer: Float32Array, steps: readonly StepInfo[]): readonly Float32Array[] {
  let at = 0;
  const rows = steps.map(({ channels }) => {
    const from = at;
    at += channels * STAT_COLUMNS;
    return answer.subarray(from, at);
  });
  if (at === answer.length) return rows;
  throw new AnswerError(
    `the statistics hold ${answer.length} numbers; ${steps.length} steps need ${at}`,
  );
}

/** The row of one position alone: what a first look needs. */
export async function loadRow(
  client: Client,
  index: StepIndex,
  position: number,
  signal: AbortSignal,
): Promise<StatsTable> {
  const { run, tag, steps } = index;
  const infos = [steps[position]!];
  const answer = await client.stats(run, tag, [position, position + 1], signal);
  return tableOf(index, infos, rowsOf(answer, infos));
}

/** The row of the record that an entry of `/steps` names; null where the table does not hold it. */
export function rowAt(table: StatsTable, { step, wallTime }: StepInfo): Float32Array | null {
  const at = table.steps.indexOf(step);
  return (table.times[at] === wallTime && table.rows[at]) || null;
}

/** The row of the record that is shown, where the table is of its layer. */
export function rowFor(table: StatsTable | null, view: LayerView | null): Float32Array | null {
  if (!table || !view || table.tag !== view.tag || table.run !== view.run) return null;
  return rowAt(table, view.info);
}

/** How many of the first records of a tag a table holds, one row each. */
function commonOf(table: StatsTable, { run, tag, steps }: StepIndex): number {
  if (table.run !== run || table.tag !== tag) return 0;
  const differs = steps.findIndex(
    (info, i) => info.step !== table.steps[i] || info.wallTime !== table.times[i],
  );
  return differs < 0 ? steps.length : differs;
}

/** Whether a table is of these very records; or, where some stand for all, of nearly as many. */
export function isOf(table: StatsTable, index: StepIndex): boolean {
  const { length } = index.steps;
  if (!table.complete) return length <= NEARLY * table.count;
  return table.steps.length === length && commonOf(table, index) === length;
}

/** `table` with the row of `row` in its place. */
export function withRow(table: StatsTable, row: StatsTable): StatsTable {
  const step = row.steps[0]!;
  const at = table.steps.filter((s) => s < step).length;
  const known = table.steps[at] === step ? 1 : 0;
  return {
    ...table,
    steps: table.steps.toSpliced(at, known, step),
    times: table.times.toSpliced(at, known, row.times[0]!),
    rows: table.rows.toSpliced(at, known, row.rows[0]!),
  };
}

/**
 * The six numbers of one channel out of `[channels, 6]`; those of the three colours of a picture
 * together, which hold as many values each. Empty where there is no such channel.
 */
export function statRow(stats: Float32Array, id: number): Float32Array {
  if (id !== RGB) return stats.subarray(id * STAT_COLUMNS, (id + 1) * STAT_COLUMNS);
  if (stats.length !== 3 * STAT_COLUMNS) return new Float32Array();
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
