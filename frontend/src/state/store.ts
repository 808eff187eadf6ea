/**
 * The dashboard's state: what is chosen, what the server answered, and what follows from both.
 *
 * Components read these signals and call `actions`; nothing else writes them. Channels are
 * positions among those stored, steps are the numbers that were logged.
 */
import { type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import {
  DEFAULT_WINDOW,
  type LayerView,
  type Loadable,
  type Overview,
  type Pixel,
  type StatsTable,
  type StepIndex,
  type TagIndex,
  type Triage,
  type WindowState,
} from "../data/types";

/** The value under the cursor. */
export interface Hover {
  /** Position of the channel. */
  readonly position: number;
  readonly pixel: Pixel;
}

/** One picture of the selected channel's film: its plane at a step, null while it loads. */
export interface FilmFrame {
  readonly step: number;
  /** `[...spatial]`, stored values. */
  readonly values: Float32Array | null;
  readonly scale: number;
}

export type LayerOrder = "model" | "problems";

export interface Store {
  // ---- Selection
  readonly run: Signal<string | null>;
  readonly layer: Signal<string | null>;
  readonly step: Signal<number | null>;
  /** Position among the stored examples. */
  readonly example: Signal<number>;
  /** Position of the selected channel: the inspector's. */
  readonly channel: Signal<number | null>;
  /** The marked pixel, kept over channels and steps; the hover's while there is one. */
  readonly pixel: Signal<Pixel | null>;
  readonly hover: Signal<Hover | null>;
  readonly depth: Signal<number>;
  readonly follow: Signal<boolean>;
  readonly playing: Signal<boolean>;
  // ---- How it is shown
  readonly window: Signal<WindowState>;
  readonly triage: Signal<Triage>;
  /** Wished width of a tile in CSS pixels; null: chosen to fit. */
  readonly tileSize: Signal<number | null>;
  readonly layerOrder: Signal<LayerOrder>;
  readonly layerSearch: Signal<string>;
  readonly dark: Signal<boolean>;
  readonly sidesHidden: Signal<boolean>;
  // ---- The server's answers
  readonly tags: Signal<Loadable<TagIndex>>;
  readonly overview: Signal<Loadable<Overview>>;
  readonly stepIndex: Signal<Loadable<StepIndex>>;
  /** Statistics of the layer at all steps; null until they are here. */
  readonly stats: Signal<StatsTable | null>;
  /** What the grid shows. It stays until the next one is here. */
  readonly view: Signal<LayerView | null>;
  /** The shown example one step earlier, for the sort by change; null until it is here. */
  readonly previous: Signal<LayerView | null>;
  /** The input that belongs to the shown example. */
  readonly input: Signal<LayerView | null>;
  /** Set while a view is on its way, or when it could not be had. */
  readonly loading: Signal<boolean>;
  readonly error: Signal<string | null>;
  readonly film: Signal<readonly FilmFrame[]>;
  /** The order of the tiles, as positions: held until the layer, the triage or `Re-sort` change it. */
  readonly order: Signal<readonly number[]>;
}

export function createStore(): Store {
  return {
    run: signal(null),
    layer: signal(null),
    step: signal(null),
    example: signal(0),
    channel: signal(null),
    pixel: signal(null),
    hover: signal(null),
    depth: signal(0),
    follow: signal(true),
    playing: signal(false),
    window: signal(DEFAULT_WINDOW),
    triage: signal({ sortBy: null, show: "all", search: "" }),
    tileSize: signal(null),
    layerOrder: signal("model"),
    layerSearch: signal(""),
    dark: signal(false),
    sidesHidden: signal(false),
    tags: signal({ state: "idle" }),
    overview: signal({ state: "idle" }),
    stepIndex: signal({ state: "idle" }),
    stats: signal(null),
    view: signal(null),
    previous: signal(null),
    input: signal(null),
    loading: signal(false),
    error: signal(null),
    film: signal([]),
    order: signal([]),
  };
}

const StoreContext = createContext<Store | null>(null);
export const StoreProvider = StoreContext.Provider;

/** The store that `render()` provided. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error("no store is provided above this component");
  return store;
}
