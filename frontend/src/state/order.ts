/**
 * The order of the tiles. It is made when the layer or the triage changes, and then held while step
 * and example move: tiles must not jump. Where sorting anew would move one, it is stale.
 */
import { batch, effect, untracked } from "@preact/signals";
import { RGB } from "../data/channels";
import { sourceOf } from "../render/planes";
import { parseChannels } from "./search";
import type { Store } from "./store";
import { channelStates, effectiveSort, filterOrder, isStale, orderOf } from "./triage";

/** The order that the shown values ask for; null until they are here. */
function freshOrder(store: Store): readonly number[] | null {
  const view = store.view.value;
  if (!view) return null;
  const { sortBy, show, search } = store.triage.value;
  const stats = store.statsAt.value;
  const ids = view.info.channelIds;
  const previous = store.previous.value;
  const key = effectiveSort(sortBy, view.channels);
  const order = orderOf(key, {
    count: view.channels,
    ids,
    stats,
    source: sourceOf(view, store.depth.value),
    previous: previous && sourceOf(previous, store.depth.value),
    pixel: key === "pixel" ? store.pixel.value : null,
  });
  const wanted = parseChannels(search, view.info.channels, ids);
  const states = channelStates({ count: view.channels, ids, stats });
  return filterOrder(order, states, show, wanted && "ids" in wanted ? wanted.ids : null, ids);
}

/** What is wrong with the search, if anything. */
export function searchError(store: Store): string | null {
  const view = store.view.value;
  if (!view) return null;
  const found = parseChannels(store.triage.value.search, view.info.channels, view.info.channelIds);
  return found && "error" in found ? found.error : null;
}

/** Sorts anew by what is shown now. */
export function resort(store: Store): void {
  const fresh = untracked(() => freshOrder(store));
  if (fresh) setOrder(store, fresh);
}

function setOrder(store: Store, order: readonly number[]): void {
  batch(() => {
    store.order.value = order;
    store.orderStale.value = false;
    const cells = store.cells.peek();
    const channel = store.channel.peek();
    if (channel === null || !cells.includes(channel)) store.channel.value = cells[0] ?? null;
  });
}

/** What, when it changes, asks for a new order at once. */
function orderKey(store: Store): string | null {
  const view = store.view.value;
  if (!view) return null;
  const { sortBy, show, search } = store.triage.value;
  const key = effectiveSort(sortBy, view.channels);
  const parts = [view.run, view.tag, view.channels, store.coloured.value, key, show, search];
  const pixel = key === "pixel" ? store.pixel.value : null;
  return JSON.stringify([...parts, pixel, view.info.channelIds]);
}

export function holdOrder(store: Store): void {
  let held: string | null = null;
  let layer: string | null = null;
  // The sort by change waits for the step before; it is made once that is here.
  let provisional = false;
  effect(() => {
    const key = orderKey(store);
    const fresh = freshOrder(store);
    const waits = store.triage.value.sortBy === "change" && store.previous.value === null;
    if (key === null || fresh === null) return;
    untracked(() => {
      const tag = store.view.peek()?.tag ?? null;
      // A picture is looked at in colour first, whichever channel of a layer was looked at before.
      if (layer !== null && tag !== layer && store.coloured.peek()) store.channel.value = RGB;
      layer = tag;
      if (key !== held || (provisional && !waits)) {
        held = key;
        provisional = waits;
        setOrder(store, fresh);
      } else if (!waits) {
        store.orderStale.value = isStale(store.order.peek(), fresh);
      }
    });
  });
}
