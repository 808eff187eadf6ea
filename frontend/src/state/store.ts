/**
 * The dashboard's state: what is chosen, what the server answered, and what follows from both.
 *
 * Components read these signals and call actions; the loader writes the server's answers. Channels
 * are positions among those stored, steps are the numbers that were logged.
 */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import {
  type LayerView,
  type Loadable,
  type Overview,
  ready,
  type StatName,
  type StatsTable,
  type StepIndex,
  type StepInfo,
  type TagIndex,
} from "../data/answers";
import { RGB } from "../data/channels";
import {
  type CompareState,
  DEFAULT_WINDOW,
  type Pixel,
  type Span,
  type Triage,
  type Viewport,
  type WindowState,
} from "../data/choices";
import { rowAt } from "../data/statistics";
import { differenceView, differs } from "../render/difference";
import { sourceOf, type TileSource } from "../render/planes";
import { limitsOverSteps, type Shown, shownOf } from "../render/shown";
import { infoAt } from "./choose";

/** The value under the cursor. */
export interface Hover {
  /** Position of the channel, or RGB. */
  readonly position: number;
  readonly pixel: Pixel;
  /** Moved there by keyboard, so that it is announced. */
  readonly byKeyboard?: boolean;
}

/** One picture of the selected channel's film: its plane at a step, null while it loads. */
export interface FilmFrame {
  readonly step: number;
  readonly source: TileSource | null;
}

/** The input that belongs to the shown example, all its examples, and which one it is. */
export interface InputView {
  readonly tag: string;
  readonly info: StepInfo;
  /** One entry an example stored with the input; its channels are the planes. */
  readonly sources: readonly TileSource[];
  /** Position among `sources` of the shown example. */
  readonly example: number;
}

export type LayerOrder = "model" | "problems";

export const DEFAULT_TRIAGE: Triage = { sortBy: null, show: "all", search: "" };

/** What the viewer has chosen. */
function selection() {
  return {
    run: signal<string | null>(null),
    layer: signal<string | null>(null),
    /** The step wished for; null: the last. */
    step: signal<number | null>(null),
    /** Position among the stored examples. */
    example: signal(0),
    /** Position of the selected channel, or RGB: the inspector's. */
    channel: signal<number | null>(null),
    /** The marked pixel, kept over channels and steps. */
    pixel: signal<Pixel | null>(null),
    hover: signal<Hover | null>(null),
    depth: signal(0),
    /** The part of the plane that the enlarged tile shows; null: all. */
    zoom: signal<Viewport | null>(null),
    /** The values that the histogram spans; null: all in scope. */
    axis: signal<Span | null>(null),
    /** The input lies over the enlarged tile. */
    overlay: signal(false),
    follow: signal(true),
    playing: signal(false),
    /** What stands beside the view, if anything. */
    compare: signal<CompareState | null>(null),
    /** While the key is held, each of the two stands in the other's place. */
    flipped: signal(false),
    window: signal<WindowState>(DEFAULT_WINDOW),
    triage: signal<Triage>(DEFAULT_TRIAGE),
    /** Wished width of a tile in CSS pixels; null: chosen to fit. */
    tileSize: signal<number | null>(null),
    layerOrder: signal<LayerOrder>("model"),
    layerSearch: signal(""),
    /** Which statistic the inspector draws over the steps. */
    chart: signal<StatName>("max"),
    dark: signal(false),
    sidesHidden: signal(false),
    /** Single keys can be switched off (WCAG 2.1.4). */
    singleKeys: signal(true),
    /** What the viewer should know about what was asked for and could not be had. */
    notice: signal<string | null>(null),
  };
}

/** What the server answered. */
function answers() {
  return {
    tags: signal<Loadable<TagIndex>>({ state: "idle" }),
    overview: signal<Loadable<Overview>>({ state: "idle" }),
    stepIndex: signal<Loadable<StepIndex>>({ state: "idle" }),
    /** Statistics of the layer at all steps; null until they are here. */
    stats: signal<StatsTable | null>(null),
    /** What the grid shows. It stays until the next one is here. */
    view: signal<LayerView | null>(null),
    /** The shown example one step earlier, for the sort by change; null until it is here. */
    previous: signal<LayerView | null>(null),
    input: signal<InputView | null>(null),
    /** The second view while comparing; null until it is here. */
    other: signal<LayerView | null>(null),
    /** Where it is from, and what must be known of it; or why there is none. */
    otherName: signal(""),
    otherNote: signal<string | null>(null),
    /** Set while a view is on its way. */
    loading: signal(false),
    error: signal<string | null>(null),
    film: signal<readonly FilmFrame[]>([]),
    /** The order of the tiles, as positions: held until layer, triage or `Re-sort` change it. */
    order: signal<readonly number[]>([]),
    orderStale: signal(false),
    /** Width of a tile in CSS pixels, as the grid laid it out. */
    tileWidth: signal(0),
  };
}

type State = ReturnType<typeof selection> & ReturnType<typeof answers>;

export interface Store extends State {
  /** The step, of those there are, that the selection comes to. */
  readonly info: ReadonlySignal<StepInfo | null>;
  /** What the window makes of the view: planes, limits, colormap, table of colours. */
  readonly shown: ReadonlySignal<Shown | null>;
  /** Whether three channels are shown as the colours of one picture. */
  readonly coloured: ReadonlySignal<boolean>;
  /** What the grid shows: the channels in order, before all three of a picture their colours. */
  readonly cells: ReadonlySignal<readonly number[]>;
  /** Whether the shown values are a difference of two views. */
  readonly isDifference: ReadonlySignal<boolean>;
  /** `[channels, 6]` of the shown step, by channel id; null until they are here. */
  readonly statsAt: ReadonlySignal<Float32Array | null>;
  /** The layer's largest finite magnitude over the steps whose statistics are here. */
  readonly reach: ReadonlySignal<number>;
}

export function createStore(): Store {
  const state = { ...selection(), ...answers() };
  const { view, stats, window, depth, compare, other } = state;
  const difference = computed(() => {
    const [a, b] = [view.value, other.value];
    if (compare.value?.mode !== "difference" || !a || !b || differs(a, b)) return null;
    return differenceView(a, b);
  });
  const flippedIn = computed(() => {
    const [a, b] = [view.value, other.value];
    const flips = compare.value?.mode === "flip" && state.flipped.value;
    return flips && a && b && differs(a, b) === null ? b : null;
  });
  const shown = computed(() => {
    if (difference.value) return shownDifference(difference.value, depth.value, window.value);
    const options = { depth: depth.value, window: window.value, stats: stats.value };
    if (!view.value) return null;
    const whole = shownOf({ view: view.value, ...options });
    return flippedIn.value ? seenThrough(whole, flippedIn.value, depth.value) : whole;
  });
  const coloured = computed(() => shown.value?.colormap === "colour");
  return {
    ...state,
    shown,
    coloured,
    cells: computed(() => {
      const order = state.order.value;
      return coloured.value && order.length === 3 ? [RGB, ...order] : order;
    }),
    info: computed(() => {
      const index = ready(state.stepIndex.value);
      return index && infoAt(index, state.step.value);
    }),
    isDifference: computed(() => difference.value !== null),
    statsAt: computed(() => rowOf(stats.value, view.value)),
    reach: computed(() => reachOf(stats.value, view.value)),
  };
}

/** Another view through the window of the one shown. */
function seenThrough(shown: Shown, view: LayerView, depth: number): Shown {
  const source = sourceOf(view, depth);
  return { ...shown, source, table: shown.table.over(source) };
}

/** A difference diverges about zero, whatever the window was before. */
function shownDifference(view: LayerView, depth: number, window: WindowState): Shown {
  const limits = window.limits === "auto" ? "auto" : "symmetric";
  const range = window.range === "manual" ? "layer" : window.range;
  const about = { ...window, limits, range, colormap: "RdBu", lockSteps: false } as const;
  return shownOf({ view, depth, window: about, stats: null });
}

function reachOf(stats: StatsTable | null, view: LayerView | null): number {
  if (!view) return 0;
  const known = stats?.tag === view.tag && stats.run === view.run ? stats : null;
  const layer = known && limitsOverSteps(known).layer;
  if (layer) return Math.max(Math.abs(layer.lo), Math.abs(layer.hi));
  const { min, max } = sourceOf(view).extentOfAll();
  return Math.max(Math.abs(min), Math.abs(max)) || 0;
}

function rowOf(stats: StatsTable | null, view: LayerView | null): Float32Array | null {
  if (!stats || !view || stats.tag !== view.tag || stats.run !== view.run) return null;
  return rowAt(stats, view.info);
}

const StoreContext = createContext<Store | null>(null);
export const StoreProvider = StoreContext.Provider;

/** The store that `render()` provided. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error("no store is provided above this component");
  return store;
}
