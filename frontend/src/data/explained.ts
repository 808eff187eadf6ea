/** What the values of an attribution explain, and how its channels stand for targets. */
import { type Json, list, number, numbers, object, orNull, text } from "./json";

/** `[n][k]`: an example and a target. */
export type ByTarget<T> = readonly (readonly T[])[];

export interface Explained {
  readonly method: string;
  /** The method's options as they were used. */
  readonly parameters: Json;
  /** The tag of what is explained: an input or a layer. */
  readonly of: string;
  /** Where it was taken; null for an input. */
  readonly layer: string | null;
  /** The tag of the input that the maps lie over; null where there is none with positions. */
  readonly input: string | null;
  /** What the score is: "logit", "probability" or "value". */
  readonly output: string;
  /** The classes explained; null where they change with the step, or a function scores. */
  readonly targets: ByTarget<number> | null;
  readonly targetNames: ByTarget<string> | null;
  /** Channels of each target: one where all colours are added up, else those of what is explained. */
  readonly parts: number;
  /** Whether they are added up. */
  readonly summed: boolean;
  /** In words; null where the method has none. */
  readonly baseline: string | null;
  /** The sides of the input that a map covers. */
  readonly grid: readonly number[] | null;
}

export function parseExplained(json: unknown, place: string): Explained {
  const f = object(json, place);
  return {
    method: text(f.method, "method"),
    parameters: object(f.parameters ?? {}, "parameters"),
    of: text(f.of, "of"),
    layer: orNull(f.layer, "layer", text),
    input: orNull(f.input, "input", text),
    output: text(f.output, "output"),
    targets: orNull(f.targets, "targets", (v, p) => list(v, p).map((row) => numbers(row, p))),
    targetNames: orNull(f.target_names, "target_names", (v, p) =>
      list(v, p).map((row) => list(row, p).map((name) => text(name, p))),
    ),
    parts: Math.max(1, number(f.parts ?? 1, "parts")),
    summed: f.reduce === "sum",
    baseline: orNull(f.baseline, "baseline", baselineText),
    grid: orNull(f.grid, "grid", numbers),
  };
}

/** As "0", or "given". */
function baselineText(json: unknown, place: string): string {
  const { kind, value } = object(json, place);
  return value === null || value === undefined ? String(kind) : String(value);
}
