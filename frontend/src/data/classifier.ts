/** What a classifier answers, over steps; and which stored examples fire a channel most. */
import { list, numbers, object } from "./json";

/** By step and example; null where that is not there. */
type Table<T> = readonly (readonly (T | null)[] | null)[];

/** The answer of `/answers`, under its names. */
export interface Answers {
  readonly run: string;
  readonly tag: string;
  /** As it was logged: "softmax", "logits". */
  readonly form: string;
  /** How many there are. */
  readonly classes: number;
  /** Why there are no answers; null where there are. */
  readonly omitted: string | null;
  /** Positions in the batch. */
  readonly examples: readonly number[];
  /** The right class of each. */
  readonly right: readonly (number | null)[];
  /** Ascending. */
  readonly step: readonly number[];
  /** The likeliest classes, the likeliest first. */
  readonly top: Table<readonly number[]>;
  /** Of each of them; null where it is not finite. */
  readonly probabilities: Table<readonly (number | null)[]>;
  readonly right_probabilities: Table<number>;
}

const TABLES = ["examples", "right", "top", "probabilities", "right_probabilities"];

export function parseAnswers(json: unknown, run: string, tag: string): Answers {
  const f = object(json, "answers");
  numbers(f.step, "step");
  for (const name of TABLES) list(f[name], name);
  return { ...(f as unknown as Answers), run, tag };
}

/** Whether the likeliest class is right, at a position of a step and one of an example; null: not known. */
export function isRight(of: Answers, at: number, i: number): boolean | null {
  const [known, share] = [of.right[i] ?? null, of.probabilities[at]?.[i]?.[0] ?? null];
  return known === null || share === null ? null : of.top[at]?.[i]?.[0] === known;
}

/** The largest finite value of a channel in one example. */
export interface Largest {
  /** Among the stored examples. */
  readonly position: number;
  /** In the batch. */
  readonly example: number;
  /** Null where no value is finite. */
  readonly value: number | null;
  /** Its index on each spatial axis. */
  readonly place: readonly number[] | null;
  /** Values that were left aside. */
  readonly nonfinite: number;
}

export function parseLargest(json: unknown): readonly Largest[] {
  return list(object(json, "top").top, "top") as readonly Largest[];
}
