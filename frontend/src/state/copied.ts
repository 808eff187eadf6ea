/** What a copy takes along where no text is selected: the value of the marked pixel, and where it is. */
import { channelId, planesOf } from "../data/channels";
import { isDense } from "../data/view";
import { sourceOf } from "../render/planes";
import { channelName } from "./attributed";
import { valueShown } from "./caption";
import type { Store } from "./store";
import { zeroText } from "./stored";

/**
 * Layer, step, example, channel, x, y, value and, of a volume, z, with tabs between; a line for each
 * colour of a picture. What a layer does not have is empty. Null where no pixel is marked.
 */
export function markedValue(store: Store): string | null {
  const [view, pixel, channel] = [store.view.value, store.pixel.value, store.channel.value];
  const shown = store.shown.value;
  if (!view || !pixel || channel === null || !shown) return null;
  const { tag, info, spatial } = view;
  const { x, y } = pixel;
  const dense = isDense(info);
  const flat = spatial.length < 2 ? [x, ""] : [x, y];
  const [z, step] = [store.depth.value, info.step];
  return planesOf(channel)
    .map((position) => {
      const source = store.isDifference.value ? shown.source : sourceOf(view, z);
      const value = info.explained
        ? valueShown(store, view, position, pixel)
        : source.value(position, x, y);
      return [
        tag,
        store.isDifference.value ? `${step} minus ${store.otherName.value}` : step,
        view.pool
          ? `${view.pool} of ${info.examples.length}`
          : info.examples[dense ? x : view.example],
        info.explained ? channelName(store, view, position) : channelId(info, position),
        ...(dense ? ["", ""] : flat),
        value === 0 ? zeroText(store, position) : value,
        ...(spatial.length > 2 ? [z] : []),
      ].join("\t");
    })
    .join("\n");
}
