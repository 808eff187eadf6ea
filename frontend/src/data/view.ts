/** Stored tensors → decoded views of one example. */
import { decodeStored } from "../render/decode";
import type { TensorQuery } from "./client";
import type { Kind, LayerView, StepInfo, Tensor } from "./types";

export interface ViewKey {
  readonly run: string;
  readonly tag: string;
  readonly kind: Kind;
  readonly info: StepInfo;
  readonly example: number;
}

/** What one view needs: the example, all its channels. */
export function viewQuery({ run, tag, info, example }: ViewKey): TensorQuery {
  return { run, tag, info, examples: [example, example + 1] };
}

export function viewOf(key: ViewKey, tensor: Tensor): LayerView {
  const [, channels = 0, ...spatial] = tensor.shape;
  return {
    ...key,
    channels,
    spatial,
    planeSize: spatial.reduce((product, side) => product * side, 1),
    values: decodeStored(tensor.stored),
    scale: tensor.scale,
  };
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
