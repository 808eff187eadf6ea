/**
 * What an attribution that was taken at a layer says of its channels: what each adds to the score of the
 * shown example's first target, at each step that is here.
 */
import type { LayerView, StepInfo } from "../data/answers";
import { targetName } from "../data/maps";
import { isDense } from "../data/view";
import { positionAt } from "./choose";

export interface Carried {
  /** The layer and the example, and the tag of the attribution. */
  readonly run: string;
  readonly layer: string;
  readonly example: number;
  readonly tag: string;
  readonly method: string;
  /** How the target is called. */
  readonly target: string;
  /** Ascending, and of each what the channels add, by their ids. */
  readonly steps: readonly number[];
  readonly sums: readonly Float64Array[];
  /** The attribution at the step shown: a plane a channel. */
  readonly view: LayerView;
  /** So many steps hold it. */
  readonly count: number;
}

/** Whether it is of the layer and the example shown. */
export function carriedFor(carried: Carried | null, view: LayerView | null): Carried | null {
  if (!carried || !view || view.pool) return null;
  const same = carried.run === view.run && carried.layer === view.tag;
  return same && carried.example === view.info.examples[view.example] ? carried : null;
}

/** What each channel adds at the step of a view, by its id; null where that is not known. */
export function sumsAt(carried: Carried | null, { info }: LayerView): Float64Array | null {
  if (!carried) return null;
  const at = positionAt(
    carried.steps.map((step) => ({ step })),
    info.step,
  );
  return carried.sums[at] ?? null;
}

/** The first target of an example, as it is called. */
export function firstTarget(info: StepInfo, example: number): string {
  return targetName(info, null, example, 0);
}

/** The values of each channel of the first target added up. */
export function channelSums(view: LayerView): Float64Array {
  const { parts = view.channels } = view.info.explained ?? {};
  const { values, planeSize, scale } = view;
  return Float64Array.from({ length: parts }, (_, channel) => {
    const start = channel * planeSize;
    if (isDense(view.info)) return values[start + view.example]! * scale;
    let sum = 0;
    for (let i = start; i < start + planeSize; i++) sum += values[i]!;
    return sum * scale;
  });
}
