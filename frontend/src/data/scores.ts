/** What the maps of an attribution add up to at each step: scores of the targets, and gaps. */
import type { ByTarget } from "./explained";
import { AnswerError, list, number, numbers, object, orNull } from "./json";

/** A number is null where it is not finite. */
type Table = ByTarget<number | null> | null;

/** Of one step. Null where the method has none of it, or its record is damaged. */
export interface ScoreRow {
  readonly scores: Table;
  readonly probabilities: Table;
  readonly baselines: Table;
  /** What the values do not account for, in units of the score. */
  readonly gaps: Table;
  /** The values' standard error, as a multiple of the values. */
  readonly errors: Table;
  /** The classes, where they change from step to step. */
  readonly targets: Table;
}

export interface Scores {
  readonly run: string;
  readonly tag: string;
  /** Ascending. */
  readonly steps: readonly number[];
  readonly rows: readonly ScoreRow[];
}

export function parseScores(json: unknown, run: string, tag: string): Scores {
  const f = object(json, "scores");
  const steps = numbers(f.step, "step");
  const member = (name: string) => {
    const tables = orNull(f[name], name, list);
    if (tables && tables.length !== steps.length) {
      throw new AnswerError(`${name} has ${tables.length} entries for ${steps.length} steps`);
    }
    return steps.map((_, i) => orNull(tables?.[i], name, table));
  };
  const [scores, probabilities, baselines, gaps, errors, targets] = [
    member("scores"),
    member("probabilities"),
    member("baseline_scores"),
    member("gaps"),
    member("errors"),
    member("targets"),
  ];
  const rows = steps.map((_, i) => ({
    scores: scores[i]!,
    probabilities: probabilities[i]!,
    baselines: baselines[i]!,
    gaps: gaps[i]!,
    errors: errors[i]!,
    targets: targets[i]!,
  }));
  return { run, tag, steps, rows };
}

function table(json: unknown, place: string): ByTarget<number | null> {
  return list(json, place).map((row) =>
    list(row, place).map((value) => orNull(value, place, number)),
  );
}

/** What is said of one map. */
export interface Sum {
  readonly score: number | null;
  readonly probability: number | null;
  /** What the values should add up to: the score, less that of the baseline. Null without such a promise. */
  readonly whole: number | null;
  /** The share of it that they do not account for. */
  readonly gap: number | null;
  /** The standard error ÷ the values. */
  readonly error: number | null;
}

export function sumOf(row: ScoreRow | null, example: number, target: number): Sum {
  const at = (of: Table | undefined) => of?.[example]?.[target] ?? null;
  const [score, gap] = [at(row?.scores), at(row?.gaps)];
  const whole = score === null || gap === null ? null : score - (at(row?.baselines) ?? 0);
  return {
    score,
    probability: at(row?.probabilities),
    whole,
    gap: whole === null || gap === null ? null : Math.abs(gap / whole),
    error: at(row?.errors),
  };
}

/** Of the difference of two targets. */
export function contrastOf(row: ScoreRow | null, example: number, a: number, b: number): Sum {
  const [p, q] = [sumOf(row, example, a), sumOf(row, example, b)];
  const less = (x: number | null, y: number | null) => (x === null || y === null ? null : x - y);
  const whole = less(p.whole, q.whole);
  const [g, h] = [row?.gaps?.[example]?.[a] ?? null, row?.gaps?.[example]?.[b] ?? null];
  const gap = less(g, h);
  return {
    score: less(p.score, q.score),
    probability: null,
    whole,
    gap: whole === null || gap === null ? null : Math.abs(gap / whole),
    error: null,
  };
}

/** The row of a step; null where it is not here. */
export function scoresAt(scores: Scores | null, step: number): ScoreRow | null {
  const at = scores?.steps.indexOf(step) ?? -1;
  return scores?.rows[at] ?? null;
}
