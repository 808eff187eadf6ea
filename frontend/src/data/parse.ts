/** The server's JSON, checked once: whatever passes has the types of `answers.ts`. */
import {
  KINDS,
  type Kind,
  type LatestStep,
  type LayerHealth,
  type LayerOverview,
  type Overview,
  STAT_NAMES,
  type StepIndex,
  type StepInfo,
  type StorageDtype,
  type TagIndex,
  type TagInfo,
} from "./answers";
import { parseExplained } from "./explained";
import { AnswerError, type Json, list, number, numbers, object, orNull, text } from "./json";

function kind(value: unknown): Kind {
  return KINDS.find((known) => known === value) ?? "activation";
}

const naturally = new Intl.Collator("en", { numeric: true });

/** Model order: by `order`, then the rest by natural order of the name. */
function compareTags(
  a: { readonly tag: string; readonly order: number | null },
  b: { readonly tag: string; readonly order: number | null },
): number {
  if (a.order !== null && b.order !== null && a.order !== b.order) return a.order - b.order;
  if ((a.order === null) !== (b.order === null)) return a.order === null ? 1 : -1;
  return naturally.compare(a.tag, b.tag);
}

export function parseTags(json: unknown): TagIndex {
  const runs = new Map<string, readonly TagInfo[]>();
  for (const [run, tags] of Object.entries(object(json, "tags"))) {
    const infos = Object.entries(object(tags, `tags of ${run}`)).map(([tag, fields]) => {
      const f = object(fields, `tag ${tag}`);
      return {
        tag,
        kind: kind(f.kind),
        order: orNull(f.order, `order of ${tag}`, number),
        description: orNull(f.description, `description of ${tag}`, text) ?? "",
        wallTime: orNull(f.wall_time, `wall_time of ${tag}`, number),
        layer: orNull(f.attribution, `attribution of ${tag}`, (v, p) =>
          orNull(object(v, p).layer, p, text),
        ),
      };
    });
    if (infos.length > 0) runs.set(run, infos.sort(compareTags));
  }
  return runs;
}

/**
 * The steps of a tag, of which those in `known` were there before. Null where these do not go on from
 * them: then the log is another one.
 */
export function parseSteps(
  json: unknown,
  run: string,
  tag: string,
  known: readonly StepInfo[] = [],
): StepIndex | null {
  const answer = object(json, "steps");
  const stats = list(answer.stats, "stats");
  if (stats.join() !== STAT_NAMES.join()) {
    throw new AnswerError(`statistics are ${stats.join()}; this dashboard knows ${STAT_NAMES}`);
  }
  const since = number(answer.since, "since");
  const kinds = list(answer.kinds, "kinds").map(parseKind);
  const [step, time] = [sums(answer.step, "step"), sums(answer.time, "time")];
  const runs = numbers(answer.kind, "kind");
  const steps = known.slice(0, since);
  for (let i = 0, at = 0; i < runs.length; i += 2) {
    const common = kinds[runs[i]!]!;
    for (const end = at + runs[i + 1]!; at < end; at++) {
      steps.push({ ...common, step: step[at]!, wallTime: time[at]! / 1000 });
    }
  }
  const [before, again] = [known[since], steps[since]];
  if (before && !(again?.step === before.step && again.wallTime === before.wallTime)) return null;
  return {
    ...{ run, tag, steps },
    count: number(answer.count, "count"),
    complete: answer.complete === true,
    sampled: answer.sampled === true,
    live: answer.source !== "tensorboard",
  };
}

/** Numbers out of their differences. */
function sums(value: unknown, place: string): readonly number[] {
  let sum = 0;
  return numbers(value, place).map((difference) => (sum += difference));
}

/** What steps have in common. */
function parseKind(json: unknown): Omit<StepInfo, "step" | "wallTime"> {
  const f = object(json, "a step");
  return {
    shape: numbers(f.shape, "shape"),
    batch: number(f.batch, "batch"),
    channels: number(f.channels, "channels"),
    channelIds: orNull(f.channel_ids, "channel_ids", numbers),
    examples: numbers(f.examples, "examples"),
    labels:
      f.labels === undefined
        ? undefined
        : orNull(f.labels, "labels", (v, p) => list(v, p).map((label) => text(label, p))),
    dtype: dtype(f.dtype),
    whole: /^(u?int|bool)/.test(String(f.logged)),
    scale: number(f.scale, "scale"),
    omitted: orNull(f.omitted, "omitted", text),
    explained: orNull(f.attribution, "attribution", parseExplained),
  };
}

export function parseLatest(json: unknown): LatestStep {
  const f = object(json, "latest");
  return {
    complete: f.complete === true,
    count: number(f.count, "count"),
    step: orNull(f.step, "step", number),
    wallTime: orNull(f.wall_time, "wall_time", number) ?? 0,
    tags: number(f.tags, "tags"),
  };
}

export function dtype(value: unknown): StorageDtype {
  if (value === "float16" || value === "float32") return value;
  throw new AnswerError(`dtype is ${String(value)}; it must be float16 or float32`);
}

export function parseOverview(json: unknown, run: string): Overview {
  const answer = object(json, "overview");
  const columns = list(answer.columns, "columns").map((c) => {
    const [first, last] = numbers(c, "a column");
    return [first ?? 0, last ?? 0] as const;
  });
  const at = object(answer.at ?? {}, "at");
  const layers = Object.entries(object(answer.tags, "tags")).map(([tag, fields]) =>
    parseLayer(tag, object(fields, tag), at[tag], columns.length),
  );
  layers.sort(compareTags);
  return {
    run,
    complete: answer.complete === true,
    sampled: answer.sampled === true,
    steps: orNull(answer.steps, "steps", parseSpan),
    columns,
    layers: new Map(layers.map((layer) => [layer.tag, layer])),
    firstNonfinite: orNull(answer.first_nonfinite, "first_nonfinite", (v, p) => {
      const f = object(v, p);
      return { tag: text(f.tag, p), step: number(f.step, p) };
    }),
    update: orNull(answer.update, "update", (v, p) => {
      const f = object(v, p);
      return {
        step: number(f.step, p),
        seconds: number(f.seconds, p),
        share: orNull(f.share, p, number),
        bytes: number(f.bytes, p),
      };
    }),
  };
}

function parseSpan(json: unknown): Overview["steps"] {
  const f = object(json, "steps");
  if (f.count === 0 || f.first === null || f.first === undefined) return null;
  return {
    first: number(f.first, "first"),
    last: number(f.last, "last"),
    count: number(f.count, "count"),
  };
}

function parseLayer(tag: string, f: Json, at: unknown, width: number): LayerOverview {
  const columns = Object.fromEntries(
    ["step", "rms", "largest", "dead", "constant", "nonfinite"].map((key) => [
      key,
      list(f[key] ?? [], `${key} of ${tag}`),
    ]),
  );
  const column = (i: number) =>
    parseHealth(
      Object.fromEntries(Object.entries(columns).map(([key, values]) => [key, values[i]])),
    );
  return {
    tag,
    kind: kind(f.kind),
    order: orNull(f.order, "order", number),
    shape: numbers(f.shape ?? [], "shape"),
    batch: number(f.batch ?? 0, "batch"),
    channels: number(f.channels ?? 0, "channels"),
    columns: Array.from({ length: width }, (_, i) => column(i)),
    at: orNull(at, "at", (v, p) => parseHealth(object(v, p))),
  };
}

function parseHealth(f: Json): LayerHealth | null {
  if (f.step === null || f.step === undefined) return null;
  return {
    step: number(f.step, "step"),
    rms: orNull(f.rms, "rms", number),
    largest: orNull(f.largest, "largest", number),
    dead: orNull(f.dead, "dead", number) ?? 0,
    constant: orNull(f.constant, "constant", number) ?? 0,
    nonfinite: orNull(f.nonfinite, "nonfinite", number) ?? 0,
  };
}
