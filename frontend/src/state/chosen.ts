/**
 * The one place that decides what is chosen. What the viewer wishes for is kept as it was wished; in
 * force is what of it the shown view has. So a choice that another layer, run, example, depth or step
 * does not have leaves nothing behind, and is there again where it is.
 */
import { batch, computed, type ReadonlySignal } from "@preact/signals";
import type { LayerView, StatsTable, StepIndex, StepInfo } from "../data/answers";
import { positionOf, RGB } from "../data/channels";
import type { Pixel } from "../data/choices";
import { poolIn } from "../data/pool";
import { middleOf } from "../data/view";
import { coveredBy } from "../render/maps";
import { infoAt, nearestStep } from "./choose";
import type { Hover, InputView, State } from "./signals";

/** Whether every plane of a view has a pixel. */
function holds(view: LayerView, { x, y }: Pixel): boolean {
  const { spatial } = view;
  const [height = 1, width = 1] = spatial.length === 1 ? [1, spatial[0]] : coveredBy(view);
  return x >= 0 && y >= 0 && x < width && y < height;
}

/** What is in force. */
export interface Chosen {
  /** Position of the selected channel (or RGB): the one wished for, else the first that is shown. */
  readonly channel: ReadonlySignal<number | null>;
  /** The marked pixel, where the planes have it. */
  readonly pixel: ReadonlySignal<Pixel | null>;
  readonly hover: ReadonlySignal<Hover | null>;
  /** The input that belongs to what is shown; null until it is here. */
  readonly input: ReadonlySignal<InputView | null>;
  /** The step before, of what is shown; null until it is here. */
  readonly previous: ReadonlySignal<LayerView | null>;
  /** What what is shown is compared with; null until it is here. */
  readonly other: ReadonlySignal<LayerView | null>;
  /** Where that is from. */
  readonly otherName: ReadonlySignal<string>;
  /** Whether what is shown is something else than what was asked for. */
  readonly stale: ReadonlySignal<boolean>;
}

/** What follows from the view, that a choice is brought to. */
interface Derived {
  readonly coloured: ReadonlySignal<boolean>;
  readonly cells: ReadonlySignal<readonly number[]>;
  readonly info: ReadonlySignal<StepInfo | null>;
}

/** The slice wished for as far as the volume goes, else its middle. */
export function depthIn({ view, depthWish }: State): ReadonlySignal<number> {
  return computed(() => {
    const { info, spatial } = view.value ?? {};
    const last = spatial && spatial.length > 2 ? spatial[0]! - 1 : 0;
    return info ? Math.max(0, Math.min(depthWish.value ?? middleOf(info.shape), last)) : 0;
  });
}

export function chosenOf(state: State & Derived): Chosen {
  const { view } = state;
  const other = computed(() => {
    const [shown, found] = [view.value, state.found.value];
    if (!shown || !found || found.target !== state.compare.value?.target) return null;
    return sameSubject(found.of, shown, FIXED.test(found.target)) ? found : null;
  });
  return {
    channel: computed(() => channelOf(state)),
    pixel: computed(() => {
      const [shown, pixel] = [view.value, state.pixelWish.value];
      return shown && pixel && holds(shown, pixel) ? pixel : null;
    }),
    hover: computed(() => {
      const [shown, hover] = [view.value, state.pointed.value];
      if (!shown || !hover || !holds(shown, hover.pixel)) return null;
      const { position } = hover;
      return (position === RGB ? state.coloured.value : position < shown.channels) ? hover : null;
    }),
    input: computed(() => {
      const [shown, input] = [view.value, state.inputHere.value];
      if (!shown || !input || input.run !== shown.run) return null;
      const same = input.info.examples[input.example] === shown.info.examples[shown.example];
      return same ? input : null;
    }),
    previous: computed(() => {
      const before = state.before.value;
      return before && before.of === view.value ? before.view : null;
    }),
    other: computed(() => other.value?.view ?? null),
    otherName: computed(() => other.value?.name ?? ""),
    stale: computed(() => isStale(state)),
  };
}

function channelOf(state: State & Omit<Derived, "info">): number | null {
  const [view, wish, cells] = [state.view.value, state.channelWish.value, state.cells.value];
  const first = cells[0] ?? null;
  if (!view || !wish) return first;
  // A picture is looked at in colour first, whichever channel of a layer was looked at before.
  if (state.coloured.value && wish.layer !== null && wish.layer !== view.tag) return first;
  const position = wish.id === RGB ? RGB : positionOf(view.info, wish.id);
  return position !== undefined && cells.includes(position) ? position : first;
}

/** Targets that are the same for every step of a layer. */
const FIXED = /^(first|step)/;

function sameSubject(of: LayerView, shown: LayerView, anyStep: boolean): boolean {
  const layer =
    of.run === shown.run &&
    of.tag === shown.tag &&
    of.example === shown.example &&
    of.pool === shown.pool;
  return layer && (anyStep || of.info.step === shown.info.step);
}

function isStale(state: State & Pick<Derived, "info">): boolean {
  const [view, info] = [state.view.value, state.info.value];
  if (!view) return false;
  if (view.run !== state.run.value || view.tag !== state.layer.value) return true;
  if (!info) return false;
  const example = clampedExample(state.example.value, info.examples.length);
  const pool = poolIn(info, state.pool.value);
  return view.info.step !== info.step || view.example !== example || (view.pool ?? null) !== pool;
}

/** The position of the example that is shown where `wanted` is asked for. */
export function clampedExample(wanted: number, stored: number): number {
  return Math.max(0, Math.min(wanted, stored - 1));
}

/** Shows a view; what belongs to the layer before goes with it. */
export function showView(store: State, view: LayerView, stats: StatsTable | null): void {
  const before = store.view.peek();
  batch(() => {
    store.view.value = view;
    if (stats) store.stats.value = stats;
    store.loading.value = false;
    store.error.value = null;
    const wish = store.channelWish.peek();
    if (wish?.layer === null) store.channelWish.value = { ...wish, layer: view.tag };
    if (!before || (before.run === view.run && before.tag === view.tag)) return;
    store.axis.value = null;
    store.pointed.value = null;
    if (before.tag !== view.tag) store.zoom.value = null;
  });
}

/** What a link asks for and the layer does not hold, in words; the nearest step takes its place. */
export function checkLink(store: State, index: StepIndex): readonly string[] {
  const gone: string[] = [];
  const step = store.step.peek();
  if (step !== null && !index.steps.some((info) => info.step === step)) {
    gone.push(`step ${step}`);
    store.step.value = nearestStep(index.steps, step);
  }
  const info = infoAt(index, store.step.peek());
  if (!info) return gone;
  const example = store.example.peek();
  if (example >= info.examples.length) gone.push(`example ${example}`);
  const id = store.channelWish.peek()?.id ?? 0;
  if (id !== RGB && positionOf(info, id) === undefined) gone.push(`channel ${id}`);
  return gone;
}
