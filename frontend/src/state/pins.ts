/** Channels that were pinned, of each layer by their ids: they stand first. */
import type { LayerView } from "../data/answers";
import { channelId, positionOf } from "../data/channels";
import type { Pins } from "../data/choices";

export function isPinned(pins: Pins, { tag, info }: LayerView, position: number): boolean {
  return pins[tag]?.includes(channelId(info, position)) ?? false;
}

/** An order with its pinned channels before the others, as they were pinned. */
export function pinnedFirst(
  order: readonly number[],
  pins: Pins,
  view: LayerView | null,
): readonly number[] {
  const ids = view ? (pins[view.tag] ?? []) : [];
  const first = ids.map((id) => positionOf(view!.info, id)!).filter((at) => order.includes(at));
  return first.length > 0 ? [...new Set([...first, ...order])] : order;
}
