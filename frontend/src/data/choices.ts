/** What the viewer chooses: window, order, comparison, places and ranges. */
export const COLORMAPS = ["viridis", "grey", "RdBu", "inferno", "magma", "colour"] as const;
/** `colour` shows three channels of an input as red, green and blue. */
export type ColormapName = (typeof COLORMAPS)[number];

export type RangeScope = "channel" | "layer" | "manual";
type LimitsRule = "auto" | "minmax" | "symmetric";

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
  /** Colours by the logarithm, where no value is below zero. */
  readonly log: boolean;
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
  log: false,
};

const STATISTICS = ["max", "mean", "std", "zeros"] as const;
/** A statistic of the shown example, or of all that ran. */
export type SortStatistic = (typeof STATISTICS)[number];
/** By a statistic of the shown example (`max`), or of the whole batch (`max-all`). */
export const SORT_KEYS = [
  "index",
  ...STATISTICS,
  ...STATISTICS.map((name) => `${name}-all` as const),
  "change",
  "growth",
  "pixel",
  "attribution",
] as const;
export type SortKey = (typeof SORT_KEYS)[number];
export const SHOW_KEYS = ["all", "active", "dead", "constant", "nonfinite"] as const;
export type ShowKey = (typeof SHOW_KEYS)[number];

/** What is charted over the steps beside the statistics, where it is known. */
export const EXTRAS = ["score", "probability", "gap", "attribution", "quantiles"] as const;
export type Extra = (typeof EXTRAS)[number];

/** What all stored examples are made into, place by place. */
export const POOLS = ["mean", "largest"] as const;
export type Pool = (typeof POOLS)[number];

/** Ids of channels by the tag of their layer, in the order in which they stand. */
export type Pins = Readonly<Record<string, readonly number[]>>;

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
  /** Colours are even over the logarithm between them. */
  readonly log?: boolean;
}

/** A place in every plane of the layer; z is 0 where there is no depth. */
export interface Pixel {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** How signals are shown, as colours or as lines; `over`: attention over its input. */
export const FORMS = ["matrix", "lines", "over"] as const;
export type Form = (typeof FORMS)[number];

export const COMPARE_MODES = ["beside", "flip", "difference"] as const;
export type CompareMode = (typeof COMPARE_MODES)[number];

/** What stands beside the view: `target` is "first", "previous", "step:20", "run:older", "example:2" or "runs". */
export interface CompareState {
  readonly target: string;
  readonly mode: CompareMode;
}
