/** The signals: what the viewer wishes for, and what the server answered. */
import { signal } from "@preact/signals";
import type {
  LayerView,
  Loadable,
  Overview,
  StatName,
  StatsTable,
  StepIndex,
  StepInfo,
  TagIndex,
} from "../data/answers";
import type { Pool } from "../data/choices";
import {
  type CompareState,
  DEFAULT_WINDOW,
  type Extra,
  type Form,
  type Pins,
  type Pixel,
  type Span,
  type Triage,
  type Viewport,
  type WindowState,
} from "../data/choices";
import type { Answers, Largest } from "../data/classifier";
import type { RunFacts } from "../data/facts";
import { DEFAULT_MAPS, type MapChoice } from "../data/maps";
import type { Scores } from "../data/scores";
import type { TileSource } from "../render/planes";
import type { Reaches } from "../render/reach";
import type { Carried } from "./carried";
import type { LayerFilter } from "./layerFilter";
import type { Lead } from "./leads";
import type { RunHealth } from "./runs";

/** The value under the cursor. */
export interface Hover {
  /** Position of the example, where it is not the shown one. */
  readonly example?: number;
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
  /** The plane of the source that is it. */
  readonly plane: number;
}

/** The film of the selected channel in a run. */
export interface RunFilm {
  readonly run: string;
  readonly frames: readonly FilmFrame[];
}

/** The input that belongs to the shown example, all its examples, and which one it is. */
export interface InputView {
  readonly run: string;
  readonly tag: string;
  readonly info: StepInfo;
  /** One entry an example stored with the input; its channels are the planes, of a volume its middle. */
  readonly sources: readonly TileSource[];
  readonly views: readonly LayerView[];
  /** Position among `sources` of the shown example. */
  readonly example: number;
}

/** How far an attribution reaches over its steps. */
export interface OverSteps {
  /** What it is of: see `lockKey`. */
  readonly key: string;
  /** Of each example alone, and of all together. */
  readonly examples: readonly Reaches[];
  readonly all: Reaches;
  /** Of so many steps, evenly chosen where these are not all. */
  readonly steps: number;
  readonly count: number;
}

/** Which stored examples fire a channel most, the first one most. */
interface Firing {
  readonly run: string;
  readonly tag: string;
  /** See `firingKey`. */
  readonly key: string;
  readonly top: readonly Largest[];
}

/** What stands around a view: each says for itself what it could not get. */
export type Part =
  | "film"
  | "input"
  | "statistics"
  | "previous"
  | "scores"
  | "bound"
  | "carried"
  | "answer"
  | "firing";

/** What something said is about; in this order they are shown. */
export const SUBJECTS = ["connection", "run", "layer", "link", "step"] as const;

export interface Notice {
  readonly about: (typeof SUBJECTS)[number];
  readonly text: string;
}

/** What stands beside a view while comparing. */
interface Found {
  /** The view that it was found for, and the `target` of the comparison. */
  readonly of: LayerView;
  readonly target: string;
  readonly view: LayerView;
  /** Where it is from, as "step 0" or "run older, step 20". */
  readonly name: string;
}

/** The channel wished for, by its id in the layer (or RGB), and the layer in which it was. */
interface ChannelWish {
  readonly id: number;
  /** null: of the one that a link opens. */
  readonly layer: string | null;
}

export const LAYER_ORDERS = ["model", "problems", "change"] as const;
export type LayerOrder = (typeof LAYER_ORDERS)[number];

export const DEFAULT_TRIAGE: Triage = { sortBy: null, show: "all", search: "" };

/** What the viewer has chosen. */
export function selection() {
  return {
    run: signal<string | null>(null),
    layer: signal<string | null>(null),
    /** The step wished for; null: the last. */
    step: signal<number | null>(null),
    /** The position wished for among the stored examples. */
    example: signal(0),
    /** What is wished for of all stored examples in place of one. */
    pool: signal<Pool | null>(null),
    /** The classifier wished for, where the model answers with several; else the first. */
    output: signal(""),
    /** The channel wished for; null: the first shown. */
    channelWish: signal<ChannelWish | null>(null),
    /** The pixel to mark, kept over channels, steps and layers. */
    pixelWish: signal<Pixel | null>(null),
    /** Where the pointer or the keyboard is. */
    pointed: signal<Hover | null>(null),
    /** The slice of volumes wished for; null: the middle one. */
    depthWish: signal<number | null>(null),
    /** The part of the plane that the enlarged tile shows; null: all. */
    zoom: signal<Viewport | null>(null),
    /** The values that the histogram spans; null: all in scope. */
    axis: signal<Span | null>(null),
    /** The input lies over the enlarged tile. */
    overlay: signal(false),
    /** How attribution maps are shown. */
    maps: signal<MapChoice>(DEFAULT_MAPS),
    follow: signal(true),
    playing: signal(false),
    /** What the pointer or the keyboard is on outside of the grid, in words. */
    hint: signal<{ readonly text: string; readonly byKeyboard: boolean } | null>(null),
    /** What stands beside the view, if anything. */
    compare: signal<CompareState | null>(null),
    /** While the key is held, each of the two stands in the other's place. */
    flipped: signal(false),
    window: signal<WindowState>(DEFAULT_WINDOW),
    triage: signal<Triage>(DEFAULT_TRIAGE),
    /** Channels that stand first. */
    pins: signal<Pins>({}),
    /** Wished width of a tile in CSS pixels; null: chosen to fit. */
    tileSize: signal<number | null>(null),
    /** How signals are shown; null: by their length. */
    form: signal<Form | null>(null),
    layerOrder: signal<LayerOrder>("model"),
    layerFilter: signal<LayerFilter>({ search: "", only: [] }),
    /** The list of runs is open: how each of them is becomes of interest. */
    runsOpen: signal(false),
    /** Which statistic the inspector draws over the steps. */
    chart: signal<StatName | Extra>("max"),
    dark: signal(false),
    sidesHidden: signal(false),
    /** Single keys can be switched off (WCAG 2.1.4). */
    singleKeys: signal(true),
    /** What the viewer should know about what was asked for and could not be had. */
    notices: signal<readonly Notice[]>([]),
  };
}

/** What the server answered. */
export function answers() {
  return {
    tags: signal<Loadable<TagIndex>>({ state: "idle" }),
    overview: signal<Loadable<Overview>>({ state: "idle" }),
    /** By run, as far as it was asked for. */
    runHealth: signal<ReadonlyMap<string, RunHealth>>(new Map()),
    stepIndex: signal<Loadable<StepIndex>>({ state: "idle" }),
    /** Statistics of the layer at all steps; null until they are here. */
    stats: signal<StatsTable | null>(null),
    /** What the grid shows. It stays until the next one is here. */
    view: signal<LayerView | null>(null),
    /** The shown example one step earlier, for the sort by change, and the view that it is for. */
    before: signal<{ readonly of: LayerView; readonly view: LayerView | null } | null>(null),
    /** What was found to compare a view with. */
    found: signal<Found | null>(null),
    /** What must be known of it, or why there is none. */
    otherNote: signal<string | null>(null),
    /** The input that was found last; null: there is none, undefined: not known yet. */
    inputHere: signal<InputView | null | undefined>(undefined),
    /** What the maps of the attribution add up to, at the steps that are here. */
    scores: signal<Scores | null>(null),
    /** What the channels of the layer add to a score; null until that is known, or where it is not. */
    carried: signal<Carried | null>(null),
    /** Of the run's layers that were explained, by the tags of the attributions. */
    leads: signal<{ readonly run: string; readonly of: ReadonlyMap<string, Lead> } | null>(null),
    /** How far the maps reach over all steps; null until that is known. */
    overSteps: signal<OverSteps | null>(null),
    /** What is constant for the run; null until it is here. */
    facts: signal<RunFacts | null>(null),
    /** What the classifier answers; null until it is here. */
    answered: signal<Answers | null>(null),
    /** Which stored examples fire the selected channel most. */
    firing: signal<Firing | null>(null),
    /** Why something that stands around the view could not be had. */
    failures: signal<Readonly<Partial<Record<Part, string>>>>({}),
    /** Set while a view is on its way. */
    loading: signal(false),
    error: signal<string | null>(null),
    film: signal<readonly FilmFrame[]>([]),
    /** Of several runs, where they are compared. */
    runFilms: signal<readonly RunFilm[]>([]),
    /** Width of a tile in CSS pixels, as the grid laid it out. */
    tileWidth: signal(0),
    /** How many stand side by side. */
    tileColumns: signal(0),
  };
}

export type State = ReturnType<typeof selection> & ReturnType<typeof answers>;
