/**
 * The dashboard's state: what is chosen, what the server answered, and what follows from both.
 *
 * Components read these signals and call actions; the loader writes the server's answers. Channels
 * are positions among those stored, steps are the numbers that were logged.
 */
import { computed, type ReadonlySignal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import {
  type LayerView,
  type Overview,
  ready,
  type StatsTable,
  type StepInfo,
} from "../data/answers";
import { RGB } from "../data/channels";
import type { WindowState } from "../data/choices";
import { labelsOf } from "../data/labels";
import { amongPatches, gridOf, type PatchGrid } from "../data/patches";
import { rowFor } from "../data/statistics";
import { holdsMaps, isSignal } from "../data/view";
import { differenceView, misfit } from "../render/difference";
import { sourceOf } from "../render/planes";
import { limitsOverSteps, type Shown, shownOf } from "../render/shown";
import { type MapRow, mapRows, shownAttribution, targetsShown } from "./attributed";
import { bareOverview, infoAt } from "./choose";
import { type Chosen, chosenOf, depthIn } from "./chosen";
import { type HeldOrder, heldOrder } from "./order";
import { patchesShown } from "./patches";
import { pinnedFirst } from "./pins";
import { answers, type State, selection } from "./signals";

export interface Store extends State, HeldOrder, Chosen {
  /** The step, of those there are, that the selection comes to. */
  readonly info: ReadonlySignal<StepInfo | null>;
  /** The slice that is shown of a volume; 0 where there is none. */
  readonly depth: ReadonlySignal<number>;
  /** The run's layers: of its overview, or where that could not be had of its tags. */
  readonly layers: ReadonlySignal<Overview | null>;
  /** What the window makes of the view: planes, limits, colormap, table of colours. */
  readonly shown: ReadonlySignal<Shown | null>;
  /** Whether each channel is shown as a line: signals are, long ones by default. */
  readonly lines: ReadonlySignal<boolean>;
  /** Whether three channels are shown as the colours of one picture. */
  readonly coloured: ReadonlySignal<boolean>;
  /** What the grid shows: the channels in order, before all three of a picture their colours. */
  readonly cells: ReadonlySignal<readonly number[]>;
  /** Whether the shown values are a difference of two views. */
  readonly isDifference: ReadonlySignal<boolean>;
  /** `[channels, 6]` of the shown step, by channel id; null until they are here. */
  readonly statsAt: ReadonlySignal<Float32Array | null>;
  /** The examples of an attribution and their maps; empty where it has none. */
  readonly mapRows: ReadonlySignal<readonly MapRow[]>;
  /** The layer's largest finite magnitude over the steps whose statistics are here. */
  readonly reach: ReadonlySignal<number>;
}

/** Signals as long as this are lines by default; patches of a picture are no course. */
const LINES_FROM = 32;

export function createStore(): Store {
  const state = { ...selection(), ...answers() };
  const { view, stats } = state;
  const depth = depthIn(state);
  const patches = computed(() => patchesShown({ ...state, ...chosen, depth }));
  const seen = shownBy(state, depth, () => chosen.other.value, patches);
  const rows = mapRows({ ...state, ...seen, depth });
  const statsAt = computed(() => rowFor(stats.value, view.value));
  const statsFirst = computed(() => firstRow(state));
  const held = heldOrder({
    ...state,
    ...seen,
    depth,
    statsAt,
    statsFirst,
    previous: () => chosen.previous.value,
  });
  const order = computed(() => {
    const shown = view.value;
    if (!shown || !holdsMaps(shown.info)) {
      return pinnedFirst(held.order.value, state.pins.value, shown);
    }
    return targetsShown(state, shown).targets;
  });
  const cells = computed(() => {
    return seen.coloured.value && order.value.length === 3 ? [RGB, ...order.value] : order.value;
  });
  const info = computed(() => {
    const index = ready(state.stepIndex.value);
    return index && infoAt(index, state.step.value);
  });
  const chosen: Chosen = chosenOf({ ...state, ...seen, cells, info });
  const reach = computed(() => reachOf(stats.value, view.value));
  const layers = computed(() => {
    const { overview, tags, run } = state;
    const infos = ready(tags.value)?.get(run.value ?? "");
    if (overview.value.state !== "failed" || !infos) return ready(overview.value);
    return bareOverview(run.value ?? "", infos);
  });
  const own = { depth, statsAt, order, cells, info, reach, layers, mapRows: rows };
  return { ...state, ...seen, ...held, ...chosen, ...own };
}

/** What the window makes of the view and of what it is compared with. */
function shownBy(
  state: State,
  depth: ReadonlySignal<number>,
  otherView: () => LayerView | null,
  patches: ReadonlySignal<PatchGrid | null>,
) {
  const { view, stats, window, compare, form } = state;
  const lines = computed(() => {
    const shown = view.value;
    if (!shown || !isSignal(shown)) return false;
    const chosen = form.value === "over" ? null : form.value;
    if (chosen) return chosen === "lines";
    return shown.planeSize >= LINES_FROM && !isOfPatches(state, shown);
  });
  const mode = computed(() => compare.value?.mode);
  const fitting = computed(() => {
    const [a, b] = [view.value, otherView()];
    return a && b && mode.value && misfit(a, b, mode.value) === null ? b : null;
  });
  const difference = computed(() => {
    const [a, b] = [view.value, fitting.value];
    return mode.value === "difference" && a && b ? differenceView(a, b) : null;
  });
  const shown = computed(() => {
    const grid = patches.value;
    const part = grid && ((whole: LayerView) => amongPatches(whole, grid));
    const of = { depth: depth.value, window: window.value, ...(part && { part }) };
    if (difference.value?.kind === "attribution") {
      const { range } = of.window;
      // As a difference of layers: under limits of its own.
      const own = { lockSteps: false, range: range === "manual" ? "layer" : range } as const;
      const window = { ...of.window, ...own };
      return shownAttribution(state, { ...of, window, view: difference.value });
    }
    if (difference.value)
      return shownDifference({ ...of, view: difference.value, lines: lines.value });
    const options = { ...of, stats: stats.value, lines: lines.value };
    if (!view.value) return null;
    const pair = { view: view.value, other: fitting.value };
    const whole =
      view.value.kind === "attribution"
        ? shownAttribution(state, { ...pair, ...of })
        : shownOf({ ...pair, ...options });
    return mode.value === "flip" && state.flipped.value ? flipped(whole) : whole;
  });
  return {
    shown,
    lines,
    coloured: computed(() => shown.value?.colormap === "colour"),
    isDifference: computed(() => difference.value !== null),
  };
}

/** Whether the positions of a sequence are patches of the run's input. */
function isOfPatches({ overview }: State, { planeSize }: LayerView): boolean {
  const layers = ready(overview.value)?.layers.values() ?? [];
  return [...layers].some(({ kind, shape: [, height = 0, width = 0, ...rest] }) => {
    return kind === "input" && rest.length === 1 && gridOf(planeSize, { width, height });
  });
}

/** Each of the two in the other's place, through the same window. */
function flipped(shown: Shown): Shown {
  if (!shown.other) return shown;
  const { source } = shown.other;
  const other = { source: shown.source, at: (plane: number) => plane };
  return { ...shown, source, other, table: shown.table.over(source) };
}

/** A difference diverges about zero, whatever the window was before. */
function shownDifference(of: {
  view: LayerView;
  depth: number;
  window: WindowState;
  lines: boolean;
  part?: (view: LayerView) => LayerView;
}): Shown {
  const { window } = of;
  const limits = window.limits === "auto" && !of.lines ? "auto" : "symmetric";
  const range = window.range === "manual" ? "layer" : window.range;
  const about = { ...window, limits, range, colormap: "RdBu", lockSteps: false } as const;
  return shownOf({ ...of, window: about, stats: null });
}

/** The statistics of the first step of the layer shown; null until they are here. */
function firstRow({ stats, view, stepIndex }: State): Float32Array | null {
  const index = ready(stepIndex.value);
  const first = index?.tag === view.value?.tag ? index?.steps[0] : undefined;
  return first && view.value ? rowFor(stats.value, { ...view.value, info: first }) : null;
}

function reachOf(stats: StatsTable | null, view: LayerView | null): number {
  if (!view) return 0;
  const known = stats?.tag === view.tag && stats.run === view.run ? stats : null;
  const layer = known && limitsOverSteps(known).layer;
  if (layer) return Math.max(Math.abs(layer.lo), Math.abs(layer.hi));
  const { min, max } = sourceOf(view).extentOfAll();
  return Math.max(Math.abs(min), Math.abs(max)) || 0;
}

/** Labels of the stored examples: the layer's own, else those of the input. */
export function labelsShown(store: Store): readonly string[] | null {
  const [view, input] = [store.view.value, store.input.value];
  return (view && labelsOf(view.info)) ?? (input && labelsOf(input.info)) ?? null;
}

const StoreContext = createContext<Store | null>(null);
export const StoreProvider = StoreContext.Provider;

/** The store that `render()` provided. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error("no store is provided above this component");
  return store;
}
