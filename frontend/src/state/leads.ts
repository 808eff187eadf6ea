/**
 * What an attribution that was taken at a layer says of its channels over the steps: what each adds to the
 * score of its example's first target, the mean over the examples that were explained.
 */
import { STAT_COLUMNS, STAT_NAMES, type StatsTable, type StepIndex } from "../data/answers";
import { examplesText } from "../data/statistics";
import { formatValue } from "../render/format";

export interface Lead {
  /** Ascending, and of each what the channels add, by their ids. */
  readonly steps: readonly number[];
  readonly sums: readonly Float64Array[];
  readonly examples: number;
}

const MEAN = STAT_NAMES.indexOf("mean");

/** Out of the record's statistics: mean × positions. null where the targets are not divided by channels. */
export function leadOf({ steps }: StepIndex, table: StatsTable): Lead | null {
  const info = steps.at(-1);
  const { parts, summed = true } = info?.explained ?? {};
  if (!info || summed || !parts) return null;
  const positions = info.shape.slice(1, -1).reduce((product, side) => product * side, 1);
  const sums = table.rows.map((row) =>
    Float64Array.from({ length: parts }, (_, id) => positions * row[id * STAT_COLUMNS + MEAN]!),
  );
  return { steps: table.steps, sums, examples: info.batch };
}

/** The channel that adds most at a step, and the step since which it has; null where that is not known. */
export function leaderAt({ steps, sums }: Lead, step: number | null) {
  const now = steps.findLastIndex((one) => step === null || one <= step);
  const channel = largest(sums[now]);
  if (channel < 0) return null;
  let at = now;
  while (at > 0 && largest(sums[at - 1]) === channel) at--;
  return { channel, sum: sums[now]![channel]!, step: steps[now]!, since: steps[at]! };
}

/** As a sentence: which channel carries the class, by how much, since when. */
export function leaderText(lead: Lead, leader: NonNullable<ReturnType<typeof leaderAt>>): string {
  const { channel, sum, step, since } = leader;
  const amount = formatValue(sum, Math.abs(sum), 3);
  const mean = `the mean over ${examplesText(lead.examples)}`;
  return `channel ${channel} adds most since step ${since}: ${amount} at step ${step}, ${mean}`;
}

/** At most so many channels: those that add or take most at any step, by what they add at the last. */
export function strongest({ sums }: Lead, most: number): readonly number[] {
  const last = sums.at(-1) ?? new Float64Array();
  const reach = (id: number) => Math.max(...sums.map((row) => Math.abs(row[id]!) || 0));
  return Array.from(last.keys())
    .sort((a, b) => reach(b) - reach(a))
    .slice(0, most)
    .sort((a, b) => (last[b]! || 0) - (last[a]! || 0) || a - b);
}

/** The first of the largest; −1 where none is finite. */
function largest(row: Float64Array = new Float64Array()): number {
  let best = -1;
  row.forEach((value, id) => {
    if (Number.isFinite(value) && !(value <= row[best]!)) best = id;
  });
  return best;
}
