/**
 * What crosses the borders of modules: the server's answers once parsed, and the values on screen.
 *
 * A *position* counts what is stored (0, 1, 2, …); an *id* names a channel of the whole layer, an
 * example of the whole batch. They differ where `max_channels` or `max_outputs` kept a part.
 */

export type Kind = "activation" | "input";
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
  readonly labels: readonly string[] | null;
  readonly dtype: StorageDtype;
  /** True value = stored × scale. In doubles: the product may exceed float32. */
  readonly scale: number;
  /** Why there are no values, where there are none. */
  readonly omitted: string | null;
}

export interface StepIndex {
  readonly run: string;
  readonly tag: string;
  readonly complete: boolean;
  readonly sampled: boolean;
  /** Ascending. */
  readonly steps: readonly StepInfo[];
}

/** Statistics of one tag at some of its steps: `table[(row * channels + id) * 6 + column]`. */
export interface StatsTable {
  readonly run: string;
  readonly tag: string;
  /** The step of each row, ascending: all of the tag's, or evenly chosen ones where those are too many. */
  readonly steps: readonly number[];
  /** Whether every step of the tag is here. */
  readonly complete: boolean;
  readonly channels: number;
  readonly table: Float32Array;
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
}

/** Stands where the position of a channel does: three channels together, as one colour picture. */
export const RGB = -1;

/** The planes that a position stands for. */
export function planesOf(position: number): readonly number[] {
  return position === RGB ? [0, 1, 2] : [position];
}

/** Whether three channels are a colour picture: they have two sides at least. */
export function holdsColours({ channels, spatial }: LayerView): boolean {
  return channels === 3 && spatial.length >= 2;
}

/** The id in the layer of the channel stored at a position; RGB stays RGB. */
export function channelId(info: StepInfo, position: number): number {
  if (position === RGB) return RGB;
  return info.channelIds ? (info.channelIds[position] ?? position) : position;
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

export interface Overview {
  readonly run: string;
  readonly complete: boolean;
  readonly sampled: boolean;
  readonly steps: { readonly first: number; readonly last: number; readonly count: number } | null;
  /** First and last step of each column. */
  readonly columns: readonly (readonly [number, number])[];
  readonly layers: ReadonlyMap<string, LayerOverview>;
  readonly firstNonfinite: { readonly tag: string; readonly step: number } | null;
}

export type Loadable<T> =
  | { readonly state: "idle" }
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "failed"; readonly message: string };

// ---- What the viewer has chosen

export const COLORMAPS = ["viridis", "grey", "RdBu", "inferno", "magma", "colour"] as const;
/** `colour` shows three channels of an input as red, green and blue. */
export type ColormapName = (typeof COLORMAPS)[number];

export type RangeScope = "channel" | "layer" | "manual";
export type LimitsRule = "auto" | "minmax" | "symmetric";

/** The window over the values. Brightness and contrast move it within the limits' own span. */
export interface WindowState {
  readonly range: RangeScope;
  readonly limits: LimitsRule;
  /** Presses of Auto after the first: each clips tighter. */
  readonly autoLevel: number;
  /** −1 to 1; 0 leaves the limits' middle where it is; more is brighter. */
  readonly brightness: number;
  /** −1 to 1; 0 leaves the limits' width; more is a narrower window. */
  readonly contrast: number;
  /** 0.1 to 10; 1 is linear. */
  readonly gamma: number;
  readonly invert: boolean;
  /** True values, while `range` is "manual". */
  readonly manual: readonly [number, number];
  readonly lockSteps: boolean;
  /** null: chosen from the data. */
  readonly colormap: ColormapName | null;
  readonly markClipped: boolean;
  readonly linearCounts: boolean;
}

export const DEFAULT_WINDOW: WindowState = {
  range: "channel",
  limits: "auto",
  autoLevel: 0,
  brightness: 0,
  contrast: 0,
  gamma: 1,
  invert: false,
  manual: [0, 1],
  lockSteps: false,
  colormap: null,
  markClipped: false,
  linearCounts: false,
};

export const SORT_KEYS = ["index", "max", "mean", "std", "zeros", "change", "pixel"] as const;
export type SortKey = (typeof SORT_KEYS)[number];
export const SHOW_KEYS = ["all", "active", "dead", "constant", "nonfinite"] as const;
export type ShowKey = (typeof SHOW_KEYS)[number];

export interface Triage {
  /** null: index up to 256 channels, else max. */
  readonly sortBy: SortKey | null;
  readonly show: ShowKey;
  /** As "12, 40-48", by id. */
  readonly search: string;
}

/** A part of a plane, in its pixels. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A range of true values. */
export interface Span {
  readonly lo: number;
  readonly hi: number;
}

/** A place in every plane of the layer; z is 0 where there is no depth. */
export interface Pixel {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}
