/** What one state of the window makes of one view: planes, limits, colormap and table of colours. */
import {
  type ColormapName,
  channelId,
  type LayerView,
  type StatsTable,
  type WindowState,
} from "../data/types";
import { buildLut, defaultColormap, isDiverging, type Lut } from "./colormap";
import { sourceOf, type TileSource } from "./decode";
import { type LockedLimits, lockedLimits, WindowTable } from "./window";

export interface Shown {
  readonly source: TileSource;
  readonly table: WindowTable;
  readonly colormap: ColormapName;
  readonly lut: Lut;
  /** Channel ids of the planes, where not every channel was stored. */
  readonly ids: readonly number[] | null;
}

const lockedOf = new WeakMap<StatsTable, LockedLimits>();

/** Limits over all steps, worked out once for each table of statistics. */
export function limitsOverSteps(stats: StatsTable): LockedLimits {
  let limits = lockedOf.get(stats);
  if (!limits) {
    limits = lockedLimits(stats.table, stats.channels);
    lockedOf.set(stats, limits);
  }
  return limits;
}

/** The colormap in force: the chosen one, else what suits the layer over all its steps. */
export function colormapOf(
  view: LayerView,
  source: TileSource,
  window: WindowState,
  stats: StatsTable | null,
): ColormapName {
  if (window.colormap && (window.colormap !== "colour" || view.channels === 3)) {
    return window.colormap;
  }
  if (window.limits === "symmetric" && view.kind !== "input") return "RdBu";
  const known = stats && stats.tag === view.tag ? limitsOverSteps(stats).layer : null;
  const { min, max } = known ? { min: known.lo, max: known.hi } : source.extentOfAll();
  return defaultColormap({ min, max, kind: view.kind, channels: view.channels });
}

/** Inputs begin at min–max, and in colour under one window. */
function effective(view: LayerView, window: WindowState, colormap: ColormapName): WindowState {
  if (view.kind !== "input") return window;
  const plain = window.limits === "auto" && window.autoLevel === 0;
  return {
    ...window,
    limits: plain ? "minmax" : window.limits,
    range: colormap === "colour" && window.range === "channel" ? "layer" : window.range,
  };
}

export function shownOf(of: {
  view: LayerView;
  depth: number;
  window: WindowState;
  stats: StatsTable | null;
}): Shown {
  const { view, window } = of;
  const stats =
    of.stats && of.stats.tag === view.tag && of.stats.run === view.run ? of.stats : null;
  const source = sourceOf(view, of.depth);
  const colormap = colormapOf(view, source, window, stats);
  const ids = view.info.channelIds
    ? Array.from({ length: view.channels }, (_, position) => channelId(view.info, position))
    : null;
  const table = new WindowTable(source, effective(view, window, colormap), {
    diverging: isDiverging(colormap),
    locked: window.lockSteps && stats ? limitsOverSteps(stats) : null,
    ids,
  });
  const lut = buildLut({
    colormap,
    gamma: window.gamma,
    invert: window.invert,
    clipped: window.markClipped,
  });
  return { source, table, colormap, lut, ids };
}
