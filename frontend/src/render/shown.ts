/** What one state of the window makes of one view: planes, limits, colormap and table of colours. */
import type { LayerView, StatsTable } from "../data/answers";
import { channelId, holdsColours, positionOf, RGB } from "../data/channels";
import type { ColormapName, RangeScope, Span, WindowState } from "../data/choices";
import { buildLut, defaultColormap, isDiverging, type Lut } from "./colormap";
import { type LockedLimits, lockedLimits, unionOf } from "./limits";
import { type Shaping, shaped } from "./maps";
import { sourceOf, type TileSource } from "./planes";
import { type OtherSide, WindowTable } from "./window";

export interface Shown {
  readonly source: TileSource;
  readonly table: WindowTable;
  readonly colormap: ColormapName;
  readonly lut: Lut;
  /** What the limits are taken from, in force. */
  readonly range: RangeScope;
  /** Channel ids of the planes, where not every channel was stored. */
  readonly ids: readonly number[] | null;
  /** Its limits stand about zero, whatever is moved. */
  readonly signed: boolean;
  /** What stands beside it, or in its place, under the same limits. */
  readonly other: OtherSide | null;
}

const lockedOf = new WeakMap<StatsTable, LockedLimits>();

/** Limits over all steps, worked out once for each table of statistics. */
export function limitsOverSteps(stats: StatsTable): LockedLimits {
  let limits = lockedOf.get(stats);
  if (!limits) {
    limits = lockedLimits(stats.rows);
    lockedOf.set(stats, limits);
  }
  return limits;
}

function spanOf(source: TileSource): Span {
  const { min, max } = source.extentOfAll();
  return { lo: min, hi: max };
}

/** The colormap in force: the chosen one, else what suits the layer over all its steps. */
function colormapOf(
  view: LayerView,
  source: TileSource,
  window: WindowState,
  stats: StatsTable | null,
  other: TileSource | undefined,
): ColormapName {
  const coloured = holdsColours(view);
  if (window.colormap && (window.colormap !== "colour" || coloured)) {
    return window.colormap;
  }
  if (window.limits === "symmetric" && view.kind !== "input") return "RdBu";
  const known = stats && stats.tag === view.tag ? limitsOverSteps(stats).layer : null;
  const extents = [...(known ? [] : [source]), ...(other ? [other] : [])].map(spanOf);
  const { lo: min, hi: max } = unionOf([...(known ? [known] : []), ...extents]);
  return defaultColormap({ min, max, kind: view.kind, coloured });
}

/**
 * What the limits are taken from, in force. Colours have one window, and so has a matrix, whose
 * columns are read against each other.
 */
function rangeOf(view: LayerView, window: WindowState, colormap: ColormapName): RangeScope {
  const joint = colormap === "colour" || view.spatial.length < 2;
  return joint && window.range === "channel" ? "layer" : window.range;
}

/** Inputs begin at min–max, and so do lines, whose peaks would be cut. */
function effective(
  { view, window, lines }: { view: LayerView; window: WindowState; lines?: boolean },
  colormap: ColormapName,
): WindowState {
  const plain =
    (lines || view.kind === "input") && window.limits === "auto" && window.autoLevel === 0;
  return {
    ...window,
    log: window.log && !lines,
    limits: plain ? "minmax" : window.limits,
    range: rangeOf(view, window, colormap),
  };
}

export function shownOf(of: {
  view: LayerView;
  depth: number;
  window: WindowState;
  stats: StatsTable | null;
  /** What it is compared with; its limits span both. */
  other?: LayerView | null;
  /** Whether they are limits of lines. */
  lines?: boolean;
  /** The part of a view whose values its limits are of. */
  part?: (view: LayerView) => LayerView;
}): Shown {
  const { view, window, part = (whole) => whole } = of;
  const stats =
    of.stats && of.stats.tag === view.tag && of.stats.run === view.run ? of.stats : null;
  const source = sourceOf(view, of.depth);
  const other = of.other ? otherSide(view, of.other, of.depth) : null;
  const colormap = colormapOf(view, source, window, stats, other?.source);
  const ids = idsOf(view);
  const state = effective(of, colormap);
  const table = new WindowTable(sourceOf(part(view), of.depth), state, {
    diverging: isDiverging(colormap),
    locked: window.lockSteps && stats ? limitsOverSteps(stats) : null,
    ids,
    other: of.other ? otherSide(view, part(of.other), of.depth) : null,
  });
  const lut = buildLut({
    colormap,
    gamma: window.gamma,
    invert: window.invert,
    clipped: window.markClipped,
  });
  const range = state.range;
  return { source, table: table.over(source), colormap, lut, ids, other, range, signed: false };
}

/**
 * Of an attribution: blue-white-red about zero, whatever colours and limits layers are shown with.
 * `view` and `other` are as they were logged, `reach` is how far the limits go.
 */
export function shownMaps(of: {
  view: LayerView;
  depth: number;
  window: WindowState;
  shaping: (view: LayerView) => Shaping;
  reach: number;
  other?: LayerView | null;
}): Shown {
  const { view, window, depth, shaping, reach } = of;
  const source = sourceOf(shaped(view, shaping(view)), depth);
  const other = of.other
    ? {
        ...otherSide(view, of.other, depth),
        source: sourceOf(shaped(of.other, shaping(of.other)), depth),
      }
    : null;
  const range = view.spatial.length < 2 && window.range === "channel" ? "layer" : window.range;
  const state = { ...window, range };
  const ids = idsOf(view);
  const table = new WindowTable(source, state, { diverging: true, ids, other, reach });
  const { gamma, invert, markClipped } = window;
  const lut = buildLut({ colormap: "RdBu", gamma, invert: !invert, clipped: markClipped });
  return { source, table, colormap: "RdBu", lut, ids, other, range, signed: true };
}

function idsOf(view: LayerView): readonly number[] | null {
  if (!view.info.channelIds) return null;
  return Array.from({ length: view.channels }, (_, position) => channelId(view.info, position));
}

/** The planes of another view by those of this one: the same channels. */
export function otherSide(view: LayerView, other: LayerView, depth: number): OtherSide {
  const at = (plane: number) =>
    plane === RGB ? RGB : positionOf(other.info, channelId(view.info, plane));
  return { source: sourceOf(other, depth), at };
}
