/**
 * The order of the tiles. It is made when the layer or the triage changes, and then held while step
 * and example move: tiles must not jump. Where sorting anew would move one, it is stale.
 */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { LayerView } from "../data/answers";
import { isDense } from "../data/view";
import { sourceOf } from "../render/planes";
import { otherSide } from "../render/shown";
import { carriedFor, sumsAt } from "./carried";
import { parseChannels } from "./search";
import type { State } from "./signals";
import { channelStates, effectiveSort, filterOrder, isStale, orderOf } from "./triage";

export interface HeldOrder {
  /** The order of the tiles, as positions: held until layer, triage or `resort` change it. */
  readonly order: ReadonlySignal<readonly number[]>;
  readonly orderStale: ReadonlySignal<boolean>;
  /** Sorts anew by what is shown now. */
  readonly resort: () => void;
}

interface Sources extends Pick<State, "view" | "triage" | "pixelWish" | "carried"> {
  readonly depth: ReadonlySignal<number>;
  readonly statsAt: ReadonlySignal<Float32Array | null>;
  /** Statistics of the layer's first step. */
  readonly statsFirst: ReadonlySignal<Float32Array | null>;
  readonly coloured: ReadonlySignal<boolean>;
  /** The step before what is shown. */
  readonly previous: () => LayerView | null;
}

/** What the channels add at the step shown. */
function carriedIn(store: Pick<State, "view" | "carried">): Float64Array | null {
  const view = store.view.value;
  return view && sumsAt(carriedFor(store.carried.value, view), view);
}

/** The same where the channels are sorted by it. */
export function addedIn(store: Pick<State, "view" | "triage" | "carried">): Float64Array | null {
  return store.triage.value.sortBy === "attribution" ? carriedIn(store) : null;
}

/** The order that the shown values ask for; null until they are here. */
function freshOrder(store: Sources): readonly number[] | null {
  const view = store.view.value;
  if (!view) return null;
  const { sortBy, show, search } = store.triage.value;
  const stats = store.statsAt.value;
  const ids = view.info.channelIds;
  const key = effectiveSort(sortBy, view.channels);
  const previous = key === "change" ? store.previous() : null;
  const order = orderOf(key, {
    count: view.channels,
    ids,
    stats,
    first: key === "growth" ? store.statsFirst.value : null,
    source: sourceOf(view, store.depth.value),
    previous: previous && otherSide(view, previous, store.depth.value),
    pixel: key === "pixel" ? store.pixelWish.value : null,
    sums: key === "attribution" ? carriedIn(store) : null,
    batch: view.info.batch,
    row: isDense(view.info) ? view.example : null,
  });
  const wanted = parseChannels(search, view.info.channels, ids);
  const states = channelStates({ count: view.channels, ids, stats });
  return filterOrder(order, states, show, wanted && "ids" in wanted ? wanted.ids : null, ids);
}

/** What is wrong with the search, if anything. */
export function searchError(store: Pick<State, "view" | "triage">): string | null {
  const view = store.view.value;
  if (!view) return null;
  const found = parseChannels(store.triage.value.search, view.info.channels, view.info.channelIds);
  return found && "error" in found ? found.error : null;
}

/** What, when it changes, asks for a new order at once. */
function orderKey(store: Sources): string {
  const view = store.view.value;
  if (!view) return "";
  const { sortBy, show, search } = store.triage.value;
  const key = effectiveSort(sortBy, view.channels);
  const parts = [view.run, view.tag, view.channels, store.coloured.value, key, show, search];
  const pixel = key === "pixel" ? store.pixelWish.value : null;
  return JSON.stringify([...parts, pixel, view.info.channelIds]);
}

/** The sort waits for the step before, or for the statistics: it is made once these are here. */
function waits(store: Sources): boolean {
  const { sortBy } = store.triage.value;
  if (sortBy === "change") return store.previous() === null;
  if (sortBy === "attribution") return carriedIn(store) === null;
  if (sortBy === "growth" && store.statsFirst.value === null) return true;
  return store.statsAt.value === null;
}

export function heldOrder(store: Sources): HeldOrder {
  const again = signal(0);
  let held = { key: "", order: [] as readonly number[], provisional: false };
  const fresh = computed(() => freshOrder(store));
  const order = computed(() => {
    const [key, now] = [`${again.value} ${orderKey(store)}`, fresh.value];
    if (now === null) return held.order;
    const waiting = waits(store);
    if (key !== held.key || (held.provisional && !waiting)) {
      held = { key, order: now, provisional: waiting };
    }
    return held.order;
  });
  return {
    order,
    orderStale: computed(() => {
      return fresh.value !== null && !waits(store) && isStale(order.value, fresh.value);
    }),
    resort: () => {
      again.value++;
    },
  };
}
