/** Stored tensors → decoded views of one example. */
import type { Kind, LayerView, StepInfo, Tensor } from "./answers";
import type { Pool } from "./choices";
import type { TensorQuery } from "./client";
import { decodeStored } from "./half";
import { pooledTensor, poolIn } from "./pool";

export interface ViewKey {
  readonly run: string;
  readonly tag: string;
  readonly kind: Kind;
  readonly info: StepInfo;
  readonly example: number;
  /** What is asked for of all stored examples; see `poolIn`. */
  readonly pool?: Pool | null;
}

/** Whether a layer has no positions, or one alone: one value for each example and channel. */
export function isDense({ shape }: StepInfo): boolean {
  return shape.slice(1, -1).every((side) => side === 1);
}

/** Whether a view is of values along one line, each channel with a course: `[n, t, c]`. */
export function isSignal({ spatial, info }: Pick<LayerView, "spatial" | "info">): boolean {
  return spatial.length === 1 && !isDense(info);
}

/** The middle slice of volumes `[n, d, h, w, c]`, which have more in it than those at the edges. */
export function middleOf(shape: readonly number[]): number {
  return shape.length === 5 ? (shape[1] ?? 0) >> 1 : 0;
}

/** What a sentence calls the values of a view. */
export function subjectOf({ info, pool }: Pick<LayerView, "info" | "pool">): string {
  if (isDense(info)) return "the stored examples";
  if (pool) return pool === "mean" ? "the mean" : "the largest";
  return "this example";
}

/** Whether a record is of attribution maps: a channel a target, over rows and columns. */
export function holdsMaps(info: StepInfo): boolean {
  return info.explained?.parts === 1 && info.shape.length >= 4 && !isDense(info);
}

/** Maps of all examples stand on one screen, as long as they are no more than this. */
const WHOLE_BYTES = 8 * 2 ** 20;

/** Whether all examples of a record are read with any one of them: those of small attribution maps. */
function isReadWhole(info: StepInfo): boolean {
  const { shape, dtype } = info;
  const count = shape.reduce((product, side) => product * side, 1);
  return holdsMaps(info) && count * (dtype === "float16" ? 2 : 4) <= WHOLE_BYTES;
}

/** What one view needs: the example, all its channels; of a dense layer, or of maps, all examples. */
export function viewQuery({ run, tag, info, example, pool }: ViewKey): TensorQuery {
  if (isDense(info) || isReadWhole(info) || poolIn(info, pool))
    return { run, tag, info, examples: [0, Math.max(1, info.examples.length)] };
  return { run, tag, info, examples: [example, example + 1] };
}

/** A dense layer's view has the examples for its positions: one row of them for each channel. */
export function viewOf(key: ViewKey, tensor: Tensor): LayerView {
  const [examples = 1, channels = 0, ...rest] = tensor.shape;
  const dense = isDense(key.info);
  const pool = poolIn(key.info, key.pool);
  if (pool) return { ...viewOf({ ...key, pool: null }, pooledTensor(tensor, pool)), pool };
  if (!dense && examples > 1) {
    const view = viewOf(key, exampleOf(tensor, Math.min(key.example, examples - 1)));
    // Copies of the view, for another step, are without.
    return Object.defineProperty(view, "whole", { value: tensor, enumerable: false });
  }
  const spatial = dense ? [examples] : rest;
  const { run, tag, kind, info, example } = key;
  const view = {
    ...{ run, tag, kind, info, example, channels, spatial },
    planeSize: spatial.reduce((product, side) => product * side, 1),
    scale: tensor.scale,
  };
  if (dense) {
    return { ...view, values: transposed(decodeStored(tensor.stored), examples, channels) };
  }
  const { stored } = tensor;
  return stored instanceof Float32Array ? { ...view, values: stored } : lazyView(view, stored);
}

/** A view that decodes no more than is looked at. Copies of it (for another step) take no values. */
function lazyView(view: Omit<LayerView, "values" | "half">, half: Uint16Array): LayerView {
  let values: Float32Array | null = null;
  const read = () => {
    values ??= decodeStored(half);
    return values;
  };
  return Object.defineProperties(view as LayerView, {
    values: { get: read, enumerable: false },
    half: { value: half, enumerable: false },
  });
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  if (rows === 1 || columns === 1) return values;
  const out = new Float32Array(values.length);
  for (let c = 0, i = 0; c < columns; c++) {
    for (let r = 0; r < rows; r++) out[i++] = values[r * columns + c] as number;
  }
  return out;
}

/** Channel `c` of a tensor, as a tensor of its own. */
export function channelOf(tensor: Tensor, c: number): Tensor {
  const [examples = 1, channels = 1, ...spatial] = tensor.shape;
  const size = tensor.stored.length / Math.max(1, examples * channels);
  const part = (e: number) => {
    const start = (e * channels + c) * size;
    return tensor.stored.subarray(start, start + size);
  };
  if (examples === 1) return { ...tensor, shape: [1, 1, ...spatial], stored: part(0) };
  const stored = tensor.stored.slice(0, examples * size);
  for (let e = 0; e < examples; e++) stored.set(part(e), e * size);
  return { ...tensor, shape: [examples, 1, ...spatial], stored };
}

/** Example `i` of a tensor that holds several, as a tensor of its own; nothing is copied. */
export function exampleOf(tensor: Tensor, i: number): Tensor {
  const [n = 1, ...rest] = tensor.shape;
  const size = tensor.stored.length / Math.max(1, n);
  return {
    ...tensor,
    shape: [1, ...rest],
    stored: tensor.stored.subarray(i * size, (i + 1) * size),
  };
}

/** Whether a view is of the same record and example. */
export function sameView(view: LayerView, key: ViewKey): boolean {
  return (
    view.run === key.run &&
    view.tag === key.tag &&
    view.example === key.example &&
    (view.pool ?? null) === poolIn(key.info, key.pool) &&
    view.info.step === key.info.step &&
    view.info.wallTime === key.info.wallTime
  );
}
