/** What stands under maps and their inputs, on the screen and in a picture of it. */
import type { LayerView } from "../data/answers";
import { labelsOf } from "../data/labels";
import { channelName, sumShown } from "./attributed";
import { doubtText } from "./doubts";
import { sumText, valueAt } from "./mapText";
import type { Store } from "./store";

/** Name, score, and what is to be doubted; of a difference of two steps that of their scores. */
export function captionOf(store: Store, view: LayerView, target: number) {
  const own = sumShown(store, view, target);
  const other = store.isDifference.value && store.other.value;
  const there = other ? sumShown(store, other, target).score : null;
  const score = own.score === null || there === null ? null : own.score - there;
  const sum = other ? { score, probability: null, whole: null, gap: null, error: null } : own;
  const output = view.info.explained?.output ?? "";
  return {
    name: channelName(store, view, target),
    sum: sumText(sum, output),
    doubt: doubtText(store, view, target, sum),
  };
}

/** As "example 3, “seven”". */
export function exampleText(store: Store, { info, example }: LayerView): string {
  const input = store.input.value;
  const id = info.examples[example]!;
  const own = labelsOf(info)?.[example];
  const label = own ?? (input && labelsOf(input.info)?.[input.info.examples.indexOf(id)]);
  return label === undefined || label === null ? `example ${id}` : `example ${id}, “${label}”`;
}

/** The true value under a pixel of what is shown, whatever becomes of its sign: a difference where that is. */
export function valueShown(
  store: Store,
  view: LayerView,
  position: number,
  pixel: { readonly x: number; readonly y: number },
): number {
  const read = (of: LayerView) => valueAt(store, of, store.depth.value, position, pixel);
  const other = store.isDifference.value && store.other.value;
  return other ? read(view) - read(other) : read(view);
}
