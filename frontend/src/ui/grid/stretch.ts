/** The positions of a signal that are looked at. */
import { allOf, type Stretch } from "../../render/lines";
import type { Store } from "../../state/store";
import { within } from "../inspector/viewport";

/** All of them, or the part that is zoomed into. */
export function stretchOf(store: Store): Stretch {
  const source = store.shown.value?.source;
  if (!source) return { x: 0, width: 1 };
  return within(store.zoom.value, source.stack) ?? allOf(source);
}
