/** A server that answers out of a log of the gallery at once; one that never does; one that refuses. */
import type {
  LayerHealth,
  LayerOverview,
  Overview,
  StepIndex,
  StepInfo,
  Tensor,
} from "../src/data/answers";
import type { Client, TensorQuery } from "../src/data/client";
import { checkKey } from "../src/data/facts";
import { halfBits } from "./arithmetic";
import { type Layer, type Log, type Place, placesOf, type Run, statistics } from "./log";

/** What a server may say of a log beside its values. */
interface Server {
  readonly complete?: boolean;
  readonly sampled?: boolean;
  readonly live?: boolean;
}

export function fixedClient(
  log: Log,
  { complete = true, sampled = false, live = true }: Server = {},
): Client {
  const runOf = (run: string) => log.get(run) as Run;
  const layerOf = (run: string, tag: string) =>
    runOf(run).layers.find((layer) => layer.tag === tag) as Layer;
  const indices = new Map<string, StepIndex>();
  const indexOf = (run: string, tag: string): StepIndex => {
    const key = JSON.stringify([run, tag]);
    const steps = stepsOf(runOf(run), layerOf(run, tag));
    const index = { run, tag, complete, sampled, live, count: steps.length, steps };
    return indices.get(key) ?? indices.set(key, index).get(key)!;
  };
  const rowsOf = (run: string, tag: string, at: number) => statisticsOf(layerOf(run, tag), at);
  return {
    tags: async () =>
      new Map(
        [...log].map(([run, of]) => [run, of.layers.map((layer, i) => tagInfo(of, layer, i))]),
      ),
    // Another object each time, as a server's answer is.
    steps: async (run, tag) => ({ ...indexOf(run, tag) }),
    async latest(run, tag) {
      const { count, steps } = indexOf(run, tag);
      const { step, wallTime } = steps.at(-1)!;
      return { complete, count, step, wallTime, tags: runOf(run).layers.length };
    },
    labels: async () => {},
    overview: async (run) => ({ ...overviewOf(run, runOf(run), rowsOf), complete, sampled }),
    facts: async (run) => factsOf(run, runOf(run)),
    answers: async (run, tag) => answersOf(run, runOf(run), layerOf(run, tag)),
    largest: async (run, tag, step, channel) =>
      largestOf(layerOf(run, tag), channel, runOf(run).steps.indexOf(step)),
    tensor: async (query) => tensorOf(layerOf(query.run, query.tag), query, runOf(query.run)),
    async stats(run, tag, [from, to]) {
      const rows = Array.from({ length: to - from }, (_, i) => rowsOf(run, tag, from + i));
      return Float32Array.from(rows.flatMap((row) => [...row]));
    },
    scores: async (run, tag) => scoresOf(run, tag, runOf(run)),
  };
}

/** The same client with some of its answers in another way. */
export const silent = new Promise<never>(() => {});
export function refused(sentence: string): () => Promise<never> {
  return () => Promise.reject(new Error(sentence));
}

const known = new WeakMap<Layer, Float32Array[]>();

/** `[channels, 6]` of a layer at the position of a step; worked out once for all runs. */
function statisticsOf(layer: Layer, at: number): Float32Array {
  const rows = known.get(layer) ?? [];
  known.set(layer, rows);
  rows[at] ??= Float32Array.from(
    Array.from({ length: layer.shape.at(-1) ?? 0 }, (_, c) => [...statistics(layer, c, at)]).flat(),
  );
  return rows[at];
}

function tagInfo({ start, steps }: Run, { tag, kind, layer }: Layer, order: number) {
  return {
    tag,
    kind,
    order,
    layer: layer ?? null,
    description: "",
    wallTime: start + (steps.at(-1) ?? 0),
  };
}

function stepsOf({ steps, start }: Run, layer: Layer): readonly StepInfo[] {
  const { shape, dtype = "float32", labels = null, whole = false } = layer;
  const [batch = 0] = shape;
  const common = {
    ...{ shape, batch, dtype, labels, whole, channelIds: null, scale: 1 },
    ...{ channels: shape.at(-1) ?? 0, omitted: layer.omitted ?? null },
    examples: Array.from({ length: batch }, (_, e) => e),
    explained: layer.explained ?? null,
  };
  return steps.map((step) => ({ ...common, step, wallTime: start + step }));
}

function overviewOf(
  run: string,
  { layers, steps }: Run,
  rowsOf: (run: string, tag: string, at: number) => Float32Array,
): Overview {
  const health = (tag: string, at: number) => healthOf(steps[at]!, rowsOf(run, tag, at));
  const known = layers.map((layer, order): readonly [string, LayerOverview] => {
    const { tag, kind, shape } = layer;
    const columns = steps.map((_, at) => health(tag, at));
    const [batch = 0, channels = 0] = [shape[0], shape.at(-1)];
    return [tag, { tag, kind, order, shape, batch, channels, columns, at: columns.at(-1)! }];
  });
  const bad = steps.flatMap((step, at) =>
    known.flatMap(([tag, { columns }]) => (columns[at]?.nonfinite ? [{ tag, step }] : [])),
  );
  const [first = 0, last = 0] = [steps[0], steps.at(-1)];
  return {
    ...{ run, complete: true, sampled: false, layers: new Map(known) },
    steps: { first, last, count: steps.length },
    columns: steps.map((step) => [step, step] as const),
    firstNonfinite: bad[0] ?? null,
    update: { step: last, seconds: 0.42, share: 0.011, bytes: 2_345_678 },
  };
}

function healthOf(step: number, row: Float32Array): LayerHealth {
  const of = (column: number) => Array.from(row.filter((_, i) => i % 6 === column));
  const [low, high, mean, std, zeros, bad] = [0, 1, 2, 3, 4, 5].map(of) as number[][];
  const squares = mean!.map((m, c) => m ** 2 + std![c]! ** 2);
  return {
    step,
    rms: Math.sqrt(squares.reduce((sum, s) => sum + s, 0) / squares.length),
    largest: Math.max(...low!.map(Math.abs), ...high!.map(Math.abs)),
    dead: zeros!.filter((share) => share === 1).length,
    constant: low!.filter((v, c) => v === high![c] && zeros![c] !== 1).length,
    nonfinite: bad!.reduce((sum, count) => sum + count, 0),
  };
}

function factsOf(run: string, { layers, classNames, classifier, failed }: Run) {
  const field = (side: number, of: number) => {
    return { start: -1, size: Math.ceil(of / side) + 2, stride: of / side };
  };
  const seen = layers
    .filter(({ kind, shape }) => kind === "activation" && shape.length === 4)
    .map(({ tag, shape }) => [tag, [field(shape[1]!, 16), field(shape[2]!, 20)]] as const);
  const checks = layers.flatMap(({ explained }) =>
    explained && explained.method === failed
      ? [
          [
            checkKey(failed, explained.layer, explained.parameters),
            { step: 70, likeness: 0.93 },
          ] as const,
        ]
      : [],
  );
  return {
    ...{
      run,
      classNames: classNames ?? null,
      classifiers: classifier === undefined ? [] : [classifier],
    },
    receptiveFields: new Map([["input", new Map(seen)]]),
    failed: new Map(checks),
  };
}

function answersOf(run: string, { steps }: Run, { tag, shape, value, omitted }: Layer) {
  const [n = 0, classes = 0] = shape;
  const examples = Array.from({ length: n }, (_, e) => e);
  const shares = (e: number, at: number) =>
    Array.from({ length: classes }, (_, c) => value(e, c, [], at));
  const best = (e: number, at: number) =>
    shares(e, at)
      .map((share, c) => [share, c] as const)
      .sort(([a], [b]) => b - a)
      .slice(0, 5);
  return {
    ...{
      run,
      tag,
      form: "softmax",
      classes,
      omitted: omitted ?? null,
      examples,
      right: examples,
      step: steps,
    },
    top: steps.map((_, at) => examples.map((e) => best(e, at).map(([, c]) => c))),
    probabilities: steps.map((_, at) => examples.map((e) => best(e, at).map(([share]) => share))),
    right_probabilities: steps.map((_, at) => examples.map((e) => shares(e, at)[e]!)),
  };
}

function largestOf({ shape, value }: Layer, channel: number, at: number) {
  const [n = 0, ...rest] = shape;
  const places = placesOf(rest.slice(0, -1));
  const found = Array.from({ length: n }, (_, example) => {
    const values = places.map((place) => value(example, channel, place, at));
    const finite = values.filter(Number.isFinite);
    const top = finite.length > 0 ? Math.max(...finite) : null;
    const place: Place | null = top === null ? null : places[values.indexOf(top)]!;
    return { position: example, example, value: top, place, nonfinite: n - finite.length };
  });
  return found.sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity));
}

function tensorOf(
  { shape, dtype = "float32", value }: Layer,
  query: TensorQuery,
  { steps }: Run,
): Tensor {
  const [n = 0, ...rest] = shape;
  const [channels = 0, spatial] = [rest.at(-1), rest.slice(0, -1)];
  const [e0, e1] = query.examples ?? [0, n];
  const [c0, c1] = query.channels ?? [0, channels];
  const [places, at] = [placesOf(spatial), steps.indexOf(query.info.step)];
  const values: number[] = [];
  for (let e = e0; e < e1; e++) {
    for (let c = c0; c < c1; c++) for (const place of places) values.push(value(e, c, place, at));
  }
  const stored =
    dtype === "float16" ? Uint16Array.from(values, halfBits) : Float32Array.from(values);
  return { dtype, scale: 1, shape: [e1 - e0, c1 - c0, ...spatial], stored };
}

/** Scores that the third target's map leaves half of unaccounted for. */
function scoresOf(run: string, tag: string, { steps }: Run) {
  const table = (of: (example: number, target: number, at: number) => number) =>
    steps.map((_, at) => [0, 1, 2, 3].map((e) => [0, 1, 2].map((t) => of(e, t, at))));
  const [scores, shares] = [
    table((e, t, at) => 3 - t + e / 4 + at / 8),
    table((_, t) => 0.7 / (t + 1)),
  ];
  const gaps = table((_, t) => [0.01, 0.2, 0.9][t]!);
  return {
    ...{ run, tag, steps },
    rows: steps.map((_, at) => ({
      ...{ scores: scores[at]!, probabilities: shares[at]!, gaps: gaps[at]! },
      ...{ baselines: null, errors: null, targets: null },
    })),
  };
}
