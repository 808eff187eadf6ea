/** What the states look at: a store each, filled by the dashboard's own loader from a fixed client. */
import type { Client } from "../src/data/client";
import { AnswerError } from "../src/data/json";
import { Loader } from "../src/loading/loader";
import { restore } from "../src/state/address";
import { createStore, type Store } from "../src/state/store";
import { fixedClient, refused, silent } from "./client";
import * as logs from "./log";

export interface View {
  readonly store: Store;
  readonly client: Client;
  /** Whether values are to come: a state on it is there once they are. */
  readonly shows: boolean;
}

type Keys = Readonly<Record<string, string>>;

const open: View[] = [];
/** All that were made, in order. */
export const views: readonly View[] = open;

/** A view of a log with these keys of the address. */
function view(log: logs.Log, keys: Keys = {}, shows = true): View {
  return viewBy(fixedClient(log), keys, shows);
}

function viewBy(client: Client, keys: Keys = {}, shows = true): View {
  const store = createStore();
  restore(store, keys);
  new Loader(store, client).start();
  const made = { store, client, shows };
  open.push(made);
  return made;
}

/** A view of the run `train` of two, at its last step. */
const train = (layer: string, keys: Keys = {}) => view(logs.PAIR, { run: "train", layer, ...keys });
const json = (value: unknown) => JSON.stringify(value);

export const conv = train("encoder/conv1");
export const signed = train("encoder/conv2", { step: "40" });
export const broken = train("head/broken");
export const colour = train("input");
export const volume = train("volume", { depth: "3" });
export const dense = train("head/dense");
export const scores = train("head/softmax", { example: "1" });
export const many = train("head/many");
export const attention = train("block/attention_scores");
export const single = train("encoder/single");
export const maps = train("attribution/gradients");
export const coarse = train("attribution/grad_cam");
export const overInput = train("attribution/gradients", { overlay: "1" });

export const layerRange = train("encoder/conv1", {
  ...{ sort: "max", pins: json({ "encoder/conv1": [4] }), pixel: "3,20" },
  window: json({ range: "layer", markClipped: true, contrast: 0.5, brightness: 0.2 }),
});
export const manual = train("encoder/conv2", {
  window: json({ range: "manual", manual: [-0.5, 1.5], gamma: 2, colormap: "magma", invert: true }),
});
export const nan = train("head/broken", { channel: "2", pixel: "4,3" });
export const pointed = train("encoder/conv1");
export const filtered = train("encoder/conv1", { show: "nonfinite" });
export const dead = train("encoder/conv1", { show: "dead", channel: "5" });
export const pooled = train("encoder/conv1", { pool: "mean" });
export const zoomed = train("encoder/conv1", {
  channel: "4",
  zoom: "8,8,12,12",
  overlay: "1",
  chart: "quantiles",
});

export const found = train("encoder/conv1", { find: "head", order: "problems" });
export const notFound = train("encoder/conv1", { find: "decoder", only: "dead" });

export const beside = train("encoder/conv2", { compare: "first", mode: "beside" });
export const difference = train("encoder/conv2", { compare: "first", mode: "difference" });
export const runsBeside = train("encoder/conv2", { compare: "runs" });
export const denseBeside = train("head/dense", { compare: "first", mode: "beside" });

export const sound = view(logs.SOUND, { layer: "encoder/conv2" });
export const counts = view(logs.SOUND, { layer: "counts" });
export const wide = view(logs.WIDE, { layer: "head/wide" });
export const classes = view(logs.WIDE, { layer: "predictions", window: json({ log: true }) });
export const lines = view(logs.SIGNALS, { layer: "signal", channel: "2" });
export const linesBeside = view(logs.SIGNALS, { layer: "signal", compare: "first" });
export const signalMatrix = view(logs.SIGNALS, { layer: "signal/short" });
export const volumeInput = view(logs.VOLUMES, { layer: "volume" });
export const vectorInput = view(logs.VECTORS, { layer: "head/dense" });
export const manyRuns = view(logs.RUNS, { run: "sweep/learning_rate_4e-4/seed_3" });
export const closedRuns = view(logs.RUNS);
export const oneStep = view(logs.ONE_STEP, { layer: "encoder/conv2" });
export const noInput = view(logs.SIGNALS, { layer: "signal" });

// What is not (yet) as it should be.
const pair = fixedClient(logs.PAIR);
export const loading = viewBy({ ...pair, tags: () => silent }, {}, false);
export const empty = view(logs.EMPTY, {}, false);
export const failed = viewBy(
  { ...pair, tags: refused("the log directory cannot be read") },
  {},
  false,
);
export const noValues = view(logs.OMITTED, { layer: "head/omitted" }, false);
export const waiting = viewBy(
  { ...pair, tensor: () => silent },
  { run: "train", layer: "encoder/conv1" },
  false,
);
export const damaged = viewBy(
  {
    ...pair,
    stats: refused("page 3 of step 70 is damaged"),
    facts: pair.facts,
    largest: refused("page 3 of step 70 is damaged"),
    answers: refused("head/softmax at step 70 is damaged"),
  },
  { run: "train", layer: "encoder/conv1" },
);
export const noScores = viewBy(
  { ...pair, scores: refused("step 70 is damaged") },
  { run: "train", layer: "attribution/gradients" },
);
export const reading = viewBy(fixedClient(logs.SOUND, { complete: false }), {
  layer: "encoder/conv2",
});
export const sampled = viewBy(fixedClient(logs.SOUND, { sampled: true, live: false }), {
  layer: "encoder/conv2",
});
export const linked = view(logs.PAIR, { run: "gone", layer: "lost", step: "45" });
/** The client's own kind of error, for what a server newer than the page may answer. */
export const unknown = viewBy(
  { ...pair, overview: () => Promise.reject(new AnswerError("columns is not a list")) },
  { run: "train", layer: "encoder/conv1" },
);
