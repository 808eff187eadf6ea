/**
 * What the server answered, once parsed, and the values on screen.
 *
 * A *position* counts what is stored (0, 1, 2, …); an *id* names a channel of the whole layer, an
 * example of the whole batch. They differ where `max_channels` or `max_outputs` kept a part.
 */

import type { Pool } from "./choices";
import type { Explained } from "./explained";

export const KINDS = ["activation", "input", "attribution"] as const;
export type Kind = (typeof KINDS)[number];
export type StorageDtype = "float16" | "float32";

/** Columns of a statistics table `[channels, 6]`. */
export const STAT_NAMES = ["min", "max", "mean", "std", "zeros", "nonfinite"] as const;
export type StatName = (typeof STAT_NAMES)[number];
export const STAT_COLUMNS = STAT_NAMES.length;

export interface TagInfo {
  readonly tag: string;
  readonly kind: Kind;
  readonly order: number | null;
  /** HTML that TensorBoard has already made safe. */
  readonly description: string;
  /** When it was last written, in seconds since 1970, where the server says so. */
  readonly wallTime: number | null;
  /** Of an attribution that was taken at a layer: its tag. */
  readonly layer: string | null;
}

/** Tags of each run in model order: by `order`, then the rest by natural order of the name. */
export type TagIndex = ReadonlyMap<string, readonly TagInfo[]>;

export interface StepInfo {
  readonly step: number;
  /** Seconds since 1970. */
  readonly wallTime: number;
  /** Stored shape, channels last: `[n, ...spatial, c]`. */
  readonly shape: readonly number[];
  /** Size of the whole batch, of which `examples` were kept. */
  readonly batch: number;
  /** All channels of the layer. */
  readonly channels: number;
  /** Ids of the channels kept; null where all are. */
  readonly channelIds: readonly number[] | null;
  /** Positions in the batch of the examples kept. */
  readonly examples: readonly number[];
  /** Undefined where they were not said: see `labelsOf`. */
  readonly labels: readonly string[] | null | undefined;
  readonly dtype: StorageDtype;
  /** Whether whole numbers were logged. */
  readonly whole?: boolean | undefined;
  /** True value = stored × scale. In doubles: the product may exceed float32. */
  readonly scale: number;
  /** Why there are no values, where there are none. */
  readonly omitted: string | null;
  /** Of an attribution: what it explains, and how. */
  readonly explained: Explained | null;
}

export interface StepIndex {
  readonly run: string;
  readonly tag: string;
  readonly complete: boolean;
  readonly sampled: boolean;
  /** Whether the event files are looked at, so that a step is here once it is written. */
  readonly live: boolean;
  /** How many the server counts; some of them may not be readable. */
  readonly count: number;
  /** Ascending. */
  readonly steps: readonly StepInfo[];
}

/** How far a tag has come, and how many tags its run has. */
export interface LatestStep {
  /** Whether the log is read to its end. */
  readonly complete: boolean;
  readonly count: number;
  readonly step: number | null;
  readonly wallTime: number;
  readonly tags: number;
}

/** Statistics of one tag at some of its steps: `rows[i][id * 6 + column]`. */
export interface StatsTable {
  readonly run: string;
  readonly tag: string;
  /** The step of each row, ascending: all of the tag's, or evenly chosen ones where those are too many. */
  readonly steps: readonly number[];
  /** When each was written: a step that is logged again has other statistics. */
  readonly times: readonly number[];
  /** Whether every step of the tag is here. */
  readonly complete: boolean;
  /** How many steps the tag had then. */
  readonly count: number;
  /** `[channels, 6]` for each step, over all channels that the layer had at that step. */
  readonly rows: readonly Float32Array[];
}

/** What `/tensor` answers: stored values `[examples, channels, ...spatial]`, C order. */
export interface Tensor {
  readonly dtype: StorageDtype;
  readonly scale: number;
  readonly shape: readonly number[];
  /** Bits of float16, or values of float32. */
  readonly stored: Uint16Array | Float32Array;
}

/** The values of one example of one layer at one step, decoded: what the grid shows. */
export interface LayerView {
  readonly run: string;
  readonly tag: string;
  readonly kind: Kind;
  readonly info: StepInfo;
  /** Position of the example among those stored. */
  readonly example: number;
  /** What all stored examples were made into, where it is not of one. */
  readonly pool?: Pool | null;
  /** Stored channels, `c`. */
  readonly channels: number;
  /** Sizes between example and channel: `[h, w]` for images, `[d, h, w]`, `[l]`, `[]`. */
  readonly spatial: readonly number[];
  /** Product of `spatial`. */
  readonly planeSize: number;
  /** `[channels, ...spatial]`, stored values: true value = values[i] × scale. */
  readonly values: Float32Array;
  /** The same as bits of float16, where `values` are decoded only when asked for. */
  readonly half?: Uint16Array;
  readonly scale: number;
  /** All examples of the record, where they were read together. */
  readonly whole?: Tensor;
}

/** One column of a layer's strip, or a layer at one step; null where the tag has nothing there. */
export interface LayerHealth {
  readonly step: number;
  readonly rms: number | null;
  readonly largest: number | null;
  readonly dead: number;
  readonly constant: number;
  readonly nonfinite: number;
}

export interface LayerOverview {
  readonly tag: string;
  readonly kind: Kind;
  readonly order: number | null;
  readonly shape: readonly number[];
  readonly batch: number;
  readonly channels: number;
  /** One entry a column of the overview. */
  readonly columns: readonly (LayerHealth | null)[];
  /** At its last step not after the step asked for. */
  readonly at: LayerHealth | null;
}

/** What the last update of a training took: of the thread that trains, and on disk. */
interface UpdateCost {
  readonly step: number;
  readonly seconds: number;
  /** Of the time of training, 0 to 1; null where only the first update was. */
  readonly share: number | null;
  readonly bytes: number;
}

export interface Overview {
  readonly run: string;
  readonly complete: boolean;
  readonly sampled: boolean;
  readonly steps: { readonly first: number; readonly last: number; readonly count: number } | null;
  /** First and last step of each column. */
  readonly columns: readonly (readonly [number, number])[];
  readonly layers: ReadonlyMap<string, LayerOverview>;
  readonly firstNonfinite: { readonly tag: string; readonly step: number } | null;
  readonly update: UpdateCost | null;
}

export type Loadable<T> =
  | { readonly state: "idle" }
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "failed"; readonly message: string };

/** What is here; null while it is on its way, or where it could not be had. */
export function ready<T>(answer: Loadable<T>): T | null {
  return answer.state === "ready" ? answer.value : null;
}
