/** The value under the cursor, or of the pixel marked by keyboard. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { LayerView } from "../data/answers";
import { isAttention } from "../data/channels";
import { labelsOf } from "../data/labels";
import { isDense } from "../data/view";
import { formatValue } from "../render/format";
import type { OtherSide } from "../render/window";
import { channelName } from "../state/attributed";
import { valueShown } from "../state/caption";
import { markedValue } from "../state/copied";
import { placeText, valueAt, valueText } from "../state/mapText";
import type { Hover } from "../state/signals";
import { type Store, useStore } from "../state/store";
import { zeroText } from "../state/stored";
import { Cost } from "./Cost";
import { isMatrix } from "./grid/matrixLayout";
import { rowName } from "./grid/rowName";
import { Keyboard } from "./Keyboard";

export function StatusLine() {
  const store = useStore();
  const text = useComputed(() => {
    const hover = store.hover.value;
    const [view, shown] = [store.view.value, store.shown.value];
    if (!hover || !view || !shown) return store.hint.value?.text ?? "";
    if (view.kind === "attribution") return attributionText(store, hover);
    const { x, y } = hover.pixel;
    const { lo, hi } = shown.table.limits(hover.position);
    const { position } = hover;
    const name = channelName(store, view, position);
    const place = isMatrix(view)
      ? `${isDense(view.info) ? "example" : "position"} ${rowName(view, x, labelsOf(view.info) ?? null)}`
      : isAttention(view)
        ? `query ${y}, key ${x}`
        : `x ${x}, y ${y}`;
    const reach = Math.max(Math.abs(lo), Math.abs(hi));
    const digits = shown.source.digits(4);
    const text = (v: number) => formatValue(v, reach, digits);
    const { isDifference, otherName } = store;
    if (isDifference.value) {
      const value = shown.source.value(position, x, y);
      return `${name}, ${place}: ${differenceText(value, text)} at ${otherName.value}`;
    }
    const read = ({ source, at }: OtherSide, side: "shown" | "other") => {
      const plane = at(position);
      if (plane === undefined) return "none";
      const values = source.values(plane, x, y);
      return valuesText(
        values.map((v) => formatValue(v, reach, digits, zeroText(store, plane, side))),
      );
    };
    const own = { source: shown.source, at: () => position };
    return `${name}, ${place}: ${read(own, "shown")}${beside(store, read)}`;
  });
  const said = useSignal("");
  useEffect(() => {
    const copy = (event: ClipboardEvent) => {
      const text = isSelecting(event) ? null : markedValue(store);
      if (text === null) return;
      event.preventDefault();
      event.clipboardData?.setData("text/plain", text);
      said.value = `Copied: ${text.replace(/\s+/g, " ")}`;
      setTimeout(() => {
        said.value = "";
      }, 4000);
    };
    document.addEventListener("copy", copy);
    return () => document.removeEventListener("copy", copy);
  }, [store, said]);
  // Only what the keyboard does is announced: a moving pointer would never let the reader finish.
  const live = useComputed(() =>
    (store.hover.value ?? store.hint.value)?.byKeyboard ? "polite" : "off",
  );
  return (
    <footer class="status">
      <span role="status" aria-live={live} class="ellipsis">
        {text}
      </span>
      <span class="spacer" />
      <span class="muted" aria-live="polite">
        {said.value}
      </span>
      {store.loading.value ? <span class="muted">loading…</span> : <Cost />}
      <Keyboard />
    </footer>
  );
}

/** Whether a copy is of text: what is selected on the page or in a field. */
function isSelecting({ target }: Event): boolean {
  return getSelection()?.isCollapsed === false || (target as Element).matches("input, textarea");
}

/** The true value of an attribution, of any example on the screen, with its share of the score. */
function attributionText(store: Store, { position, pixel, example }: Hover): string {
  const own = store.view.value;
  const at = example ?? own?.example;
  const view = store.mapRows.value.find((row) => row.view.example === at)?.view ?? own;
  if (!view) return "";
  const reach = store.shown.value?.table.limits(position).hi ?? 1;
  const value = valueShown(store, view, position, pixel);
  const text = (v: number) => formatValue(v, reach, 4);
  // Where examples are rows, it is of the one pointed at.
  const of = isDense(view.info) ? (Object.create(view, EXAMPLE(pixel.x)) as LayerView) : view;
  const place = placeText(store, of, position, pixel);
  const [other, name] = [store.other.value, store.otherName.value];
  if (store.isDifference.value) return `${place}: ${differenceText(value, text)} at ${name}`;
  const there = other && store.shown.value?.other;
  const read = there ? valueAt(store, other, store.depth.value, position, pixel) : 0;
  const beside = there ? ` (${name}: ${text(read)})` : "";
  return `${place}: ${valueText(store, of, position, value, reach)}${beside}`;
}

const EXAMPLE = (value: number) => ({ example: { value, enumerable: true } });

/** One value, or those of red, green and blue. */
function valuesText(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0]!;
  return texts.map((text, i) => `${["red", "green", "blue"][i]} ${text}`).join(", ");
}

/** As "1.6 less than"; a difference that is no number has no side. */
function differenceText(value: number, text: (value: number) => string): string {
  if (value === 0) return "the same as";
  if (Number.isNaN(value)) return "NaN beside the value";
  return `${text(Math.abs(value))} ${value < 0 ? "less" : "more"} than`;
}

/** The second value while comparing side by side, or where the one shown is from. */
function beside(store: Store, read: (of: OtherSide, side: "other") => string): string {
  const [compare, other] = [store.compare.value, store.shown.value?.other];
  if (!compare || !other) return "";
  const name = store.otherName.value;
  if (compare.mode === "flip" && store.flipped.value) return ` at ${name}`;
  return ` (${name}: ${read(other, "other")})`;
}
