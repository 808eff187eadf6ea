/**
 * The log that the gallery shows: runs of layers whose values are functions of where they stand.
 *
 * A layer's `value` is asked for an example, a channel, a place `[…spatial]` and the position of a step.
 */
import { STAT_COLUMNS, type StepInfo, type TagInfo } from "../src/data/answers";
import type { Explained } from "../src/data/explained";
import { hash, softmax, wave } from "./arithmetic";

export type Place = readonly number[];

export interface Layer extends Pick<TagInfo, "tag" | "kind"> {
  /** `[n, …spatial, c]`. */
  readonly shape: readonly number[];
  readonly dtype?: StepInfo["dtype"];
  readonly labels?: readonly string[];
  readonly whole?: boolean;
  readonly omitted?: string;
  readonly explained?: Explained;
  /** Of an attribution that was taken at a layer: its tag. */
  readonly layer?: string;
  readonly value: (example: number, channel: number, place: Place, at: number) => number;
}

export interface Run {
  readonly layers: readonly Layer[];
  readonly steps: readonly number[];
  /** When the first step was written, in seconds since 1970. */
  readonly start: number;
  readonly classNames?: readonly string[];
  /** Tag of the layer that answers with classes. */
  readonly classifier?: string;
  /** Method whose maps failed the check of random weights. */
  readonly failed?: string;
}

export type Log = ReadonlyMap<string, Run>;

const STEPS = [0, 10, 20, 30, 40, 50, 60, 70] as const;
const LABELS = ["cat", "dog", "ship", "frog"] as const;
const START = 1_700_000_000;
const [N, LAST] = [4, STEPS.length - 1];

const grown = (at: number) => 1 + at / 4;

const input: Layer = {
  ...{ tag: "input", kind: "input", shape: [N, 16, 20, 3], labels: LABELS },
  value: (e, c, [y = 0, x = 0]) => 0.5 + 0.25 * wave(c + 2, e, y, x),
};

const conv: Layer = {
  ...{ tag: "encoder/conv1", kind: "activation", shape: [N, 28, 28, 12], dtype: "float16" },
  value(e, c, [y = 0, x = 0], at) {
    if (c === 5 || (c === 9 && e === 0)) return 0;
    return c === 7 ? 2.5 : Math.max(0, wave(c, e, y, x)) * grown(at) * (0.2 + c / 4);
  },
};

const signed: Layer = {
  ...{ tag: "encoder/conv2", kind: "activation", shape: [N, 14, 14, 24], dtype: "float16" },
  value: (e, c, [y = 0, x = 0], at) => wave(c, e, y, x) * grown(at),
};

const broken: Layer = {
  ...{ tag: "head/broken", kind: "activation", shape: [N, 10, 10, 6] },
  value(e, c, [y = 0, x = 0], at) {
    if (c === 2 && e === 0 && at >= 6 && y === 3 && x === 4) return Number.NaN;
    if (c === 4 && at === LAST && x === y && (x === 0 || x === 9)) return x ? -Infinity : Infinity;
    return wave(c, e, y, x);
  },
};

const dense: Layer = {
  ...{ tag: "head/dense", kind: "activation", shape: [N, 32] },
  value(e, c, _, at) {
    if (c === 3) return 0;
    return c === 9 ? 2 : 2 * hash(e, c, 1) - 1 + at / 20;
  },
};

const scores: Layer = {
  ...{ tag: "head/softmax", kind: "activation", shape: [N, 10], labels: LABELS },
  value: (e, c, _, at) => softmax(10, e === 1 ? 7 : e, at / 2)[c] ?? 0,
};

const explained = (of: Partial<Explained>): Explained => ({
  ...{ method: "integrated_gradients", parameters: { steps: 32 }, of: "input", layer: null },
  ...{ input: "input", output: "logit", parts: 1, summed: true, baseline: "0", grid: null },
  targets: Array.from({ length: N }, (_, e) => [e, 7, 2]),
  targetNames: null,
  ...of,
});

const gradients: Layer = {
  ...{ tag: "attribution/gradients", kind: "attribution", shape: [N, 16, 20, 3] },
  explained: explained({}),
  value: (e, c, [y = 0, x = 0], at) =>
    c === 2 && e === 3
      ? 0
      : wave(c, e, y, x) * Math.exp(-((x - 9) ** 2 + (y - 7) ** 2) / 30) * grown(at),
};

const gradCam: Layer = {
  ...{ tag: "attribution/grad_cam", kind: "attribution", shape: [N, 4, 5, 3] },
  layer: "encoder/conv2",
  explained: explained({
    ...{ method: "grad_cam", parameters: {}, layer: "encoder/conv2", baseline: null },
    grid: [16, 20],
  }),
  value: (e, c, [y = 0, x = 0]) => Math.max(0, wave(c + e, e, 2 * y, 2 * x)),
};

const attention: Layer = {
  ...{ tag: "block/attention_scores", kind: "activation", shape: [N, 12, 12, 4] },
  value: (e, c, [query = 0, key = 0]) => softmax(12, (query + c + e) % 12, c)[key] ?? 0,
};

const volume: Layer = {
  ...{ tag: "volume", kind: "activation", shape: [N, 5, 9, 9, 3] },
  value: (e, c, [z = 0, y = 0, x = 0]) => wave(c + z, e, y, x),
};

const signal: Layer = {
  ...{ tag: "signal", kind: "activation", shape: [N, 64, 8] },
  value: (e, c, [t = 0], at) => (c === 6 ? 0 : Math.sin((0.1 + c / 30) * t + e) * grown(at)),
};

const short: Layer = {
  ...{ tag: "signal/short", kind: "activation", shape: [N, 12, 20] },
  value: (e, c, [t = 0]) => wave(c, e, t, 0),
};

const single: Layer = {
  ...{ tag: "encoder/single", kind: "activation", shape: [N, 24, 24, 1] },
  value: (e, c, [y = 0, x = 0]) => wave(c + 3, e, y, x),
};

const counts: Layer = {
  ...{ tag: "counts", kind: "activation", shape: [N, 8, 8, 4], whole: true },
  value: (e, c, [y = 0, x = 0]) => Math.floor(9 * hash(e, c, y, x)),
};

const wide: Layer = {
  ...{ tag: "head/wide", kind: "activation", shape: [N, 4096] },
  value: (e, c) => (c % 5 === 0 ? 0 : Math.max(0, 3 * hash(e, c) - 1)),
};

const many: Layer = {
  ...{ tag: "head/many", kind: "activation", shape: [1, 8, 8, 300] },
  value: (e, c, [y = 0, x = 0]) => (c % 2 ? Math.max(0, wave(c, e, y, x)) : 0),
};

const classes: Layer = {
  ...{ tag: "predictions", kind: "activation", shape: [N, 1000] },
  value: (e, c) => softmax(1000, 17 * e, 9)[c] ?? 0,
};

const omitted: Layer = {
  ...{ tag: "head/omitted", kind: "activation", shape: [N, 8, 8, 2] },
  omitted: "a record may hold 2 GiB",
  value: () => 0,
};

const volumeInput: Layer = {
  ...{ tag: "input", kind: "input", shape: [N, 6, 12, 12, 1] },
  value: (e, _, [z = 0, y = 0, x = 0]) => wave(z, e, y, x),
};

const vectorInput: Layer = {
  ...{ tag: "input", kind: "input", shape: [N, 16] },
  value: (e, c) => hash(e, c, 9),
};

const TRAIN: Run = {
  layers: [input, conv, signed, single, attention, volume, broken, many, dense, scores].concat([
    gradients,
    gradCam,
  ]),
  ...{ steps: STEPS, start: START + 10_000, classifier: "head/softmax", failed: "grad_cam" },
  classNames: ["cat", "dog", "ship", "frog", "plane", "car", "bird", "deer", "horse", "truck"],
};

/** The run `train` and an older one, which stopped early. */
export const PAIR: Log = new Map([
  ["older", { ...TRAIN, steps: [0, 20], start: START }],
  ["train", TRAIN],
]);

const alone = (layers: readonly Layer[], of: Partial<Run> = {}): Log =>
  new Map([["train", { layers, steps: STEPS, start: START, ...of }]]);

/** Every layer finite, none of it dead. */
export const SOUND: Log = alone([input, signed, single, counts]);
/** One step alone. */
export const ONE_STEP: Log = alone([input, signed], { steps: [40] });
export const WIDE: Log = alone([wide, classes], {
  classNames: Array.from({ length: 1000 }, (_, i) => `breed ${i}`),
  steps: [0],
});
export const SIGNALS: Log = alone([signal, short]);
export const VOLUMES: Log = alone([volumeInput, volume]);
export const VECTORS: Log = alone([vectorInput, dense]);
export const OMITTED: Log = alone([omitted]);
/** So many runs that their names are a list to search. */
export const RUNS: Log = new Map(
  Array.from({ length: 24 }, (_, i) => [
    `sweep/learning_rate_${(i % 6) + 1}e-4/seed_${i}`,
    {
      layers: i === 3 ? [input, broken] : [input, signed],
      steps: [0, 10],
      start: START + 3600 * i,
    },
  ]),
);
export const EMPTY: Log = new Map();

/** Statistics of one channel over all examples at a step: min, max, mean, std, zeros, nonfinite. */
export function statistics(layer: Layer, channel: number, at: number): Float32Array {
  const [n = 0, ...rest] = layer.shape;
  const spatial = rest.slice(0, -1);
  const all: number[] = [];
  for (let e = 0; e < n; e++) {
    for (const place of placesOf(spatial)) all.push(layer.value(e, channel, place, at));
  }
  const finite = all.filter(Number.isFinite);
  const mean = finite.reduce((sum, v) => sum + v, 0) / Math.max(1, finite.length);
  const square = finite.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, finite.length);
  const row = new Float32Array(STAT_COLUMNS);
  row.set([
    finite.reduce((a, b) => Math.min(a, b), Infinity),
    finite.reduce((a, b) => Math.max(a, b), -Infinity),
  ]);
  row.set([mean, Math.sqrt(square)], 2);
  row.set([all.filter((v) => v === 0).length / all.length, all.length - finite.length], 4);
  return row;
}

/** Every place of a plane, in C order. */
export function placesOf(spatial: readonly number[]): readonly Place[] {
  return spatial.reduce<readonly Place[]>(
    (places, side) => places.flatMap((p) => Array.from({ length: side }, (_, i) => [...p, i])),
    [[]],
  );
}
