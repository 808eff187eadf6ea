/** What is constant for a run: which part of an input each position of a layer sees, names. */
import { list, number, numbers, object, orNull, text } from "./json";

/**
 * What an axis of a layer sees of an axis of an input: `size` pixels of it, from `start + i * stride`
 * on for position i. Parts beyond the input are its padding.
 */
interface Field {
  readonly start: number;
  readonly size: number;
  readonly stride: number;
}

export interface RunFacts {
  readonly run: string;
  /** Of an input's tag and a layer's: a field for each spatial axis. */
  readonly receptiveFields: ReadonlyMap<string, ReadonlyMap<string, readonly Field[]>>;
  /** What the classes are called, in their order; null where they have only numbers. */
  readonly classNames: readonly string[] | null;
  /** Tags of the layers that answer with classes. */
  readonly classifiers: readonly string[];
  /** Randomization checks that methods failed, by `checkKey`. */
  readonly failed: ReadonlyMap<string, FailedCheck>;
}

interface FailedCheck {
  readonly step: number;
  /** How alike maps of random weights are to the others, 0 to 1. */
  readonly likeness: number;
}

/** What a check is of: maps of the same method, options and layer. */
export function checkKey(method: unknown, layer: unknown, parameters: unknown): string {
  return JSON.stringify([method, layer, parameters]);
}

/** A part of an axis, as shares of it. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export function parseFacts(json: unknown, run: string): RunFacts {
  const facts = object(json, "run");
  const inputs = Object.entries(object(facts.receptive_fields ?? {}, "fields"));
  const receptiveFields = inputs.map(([input, layers]) => {
    const entries = Object.entries(object(layers, input)).map(
      ([tag, axes]) => [tag, list(axes, tag).map((axis) => field(axis, tag))] as const,
    );
    return [input, new Map(entries)] as const;
  });
  return {
    run,
    receptiveFields: new Map(receptiveFields),
    classNames: orNull(facts.class_names, "class_names", texts),
    classifiers: list(facts.classifiers ?? [], "classifiers").map((one) =>
      text(object(one, "classifiers").tag, "tag"),
    ),
    failed: new Map(
      list(facts.randomization ?? [], "randomization")
        .map((one) => object(one, "check"))
        .filter(({ verdict }) => verdict === "fails")
        .map((one) => [
          checkKey(one.method, one.layer, one.parameters),
          { step: number(one.step, "step"), likeness: number(one.likeness, "likeness") },
        ]),
    ),
  };
}

function texts(json: unknown, place: string): readonly string[] {
  return list(json, place).map((name) => text(name, place));
}

function field(json: unknown, place: string): Field {
  const [start = 0, size = 1, stride = 1] = numbers(json, place);
  return { start, size, stride };
}

/** What position i sees of an axis of `length` pixels, cut at its ends. */
export function seenBy({ start, size, stride }: Field, i: number, length: number): Part {
  return part(start + i * stride, size, length);
}

/** The middle of that: as wide as two neighbours are apart, a pixel at least. */
export function middleOf({ start, size, stride }: Field, i: number, length: number): Part {
  const width = Math.max(stride, 1);
  return part(start + i * stride + (size - width) / 2, width, length);
}

function part(from: number, size: number, length: number): Part {
  const share = (pixel: number) => Math.min(Math.max(pixel / length, 0), 1);
  return { from: share(from), to: share(from + size) };
}
