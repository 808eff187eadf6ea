/** The value under the cursor, or of the pixel marked by keyboard. */
import { useComputed } from "@preact/signals";
import { channelId } from "../data/types";
import { isDense } from "../data/view";
import { rowName } from "../grid/Matrix";
import { isMatrix } from "../grid/matrix";
import { sourceOf } from "../render/decode";
import { formatValue } from "../render/format";
import { type Hover, type Store, useStore } from "../state/store";
import { Keyboard } from "./Keyboard";

export function StatusLine() {
  const store = useStore();
  const text = useComputed(() => {
    const hover = store.hover.value;
    const [view, shown] = [store.view.value, store.shown.value];
    if (!hover || !view || !shown) return "";
    const { x, y } = hover.pixel;
    const value = shown.source.value(hover.position, x, y);
    const { lo, hi } = shown.table.limits(hover.position);
    const id = channelId(view.info, hover.position);
    const place = isMatrix(view)
      ? `${isDense(view.info) ? "example" : "position"} ${rowName(view, x, null)}`
      : `x ${x}, y ${y}`;
    const text = (v: number) => formatValue(v, Math.max(Math.abs(lo), Math.abs(hi)), 4);
    return `channel ${id}, ${place}: ${text(value)}${beside(store, hover, text)}`;
  });
  // Only what the keyboard does is announced: a moving pointer would never let the reader finish.
  const live = useComputed(() => (store.hover.value?.byKeyboard ? "polite" : "off"));
  return (
    <footer class="status">
      <span role="status" aria-live={live} class="ellipsis">
        {text}
      </span>
      <span class="spacer" />
      <span class="muted">{store.loading.value ? "loading…" : ""}</span>
      <Keyboard />
    </footer>
  );
}

/** The second value while comparing. */
function beside(store: Store, { position, pixel }: Hover, text: (value: number) => string): string {
  const other = store.other.value;
  if (!store.compare.value || !other) return "";
  const { mode } = store.compare.value;
  if (mode === "flip" && store.flipped.value) return ` at ${store.otherName.value}`;
  if (mode === "difference" && !store.isDifference.value) return "";
  if (store.isDifference.value) return ` more than at ${store.otherName.value}`;
  const value = sourceOf(other, store.depth.value).value(position, pixel.x, pixel.y);
  return ` (${store.otherName.value}: ${text(value)})`;
}
