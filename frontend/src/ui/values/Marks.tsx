/** The legend of what no colour of the map stands for. */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { marksOf } from "../../render/colormap";
import { marksIn, type Nonfinite, nonfiniteOf } from "../../render/nonfinite";
import { selectedOf } from "../../state/selected";
import { useStore } from "../../state/store";
import { coarseness } from "../../state/stored";
import { Clipped } from "./Clipped";

/** The colours that stand for no value of the map, where there are such pixels. */
export function Marks() {
  const store = useStore();
  const kinds = useSignal<Nonfinite | null>(null);
  useSignalEffect(() => {
    const source = store.shown.value?.source;
    // Looking through all values waits until the picture is painted.
    const timer = setTimeout(() => {
      kinds.value = source ? nonfiniteOf(source, null) : null;
    }, 30);
    return () => clearTimeout(timer);
  });
  const chips = useComputed(() => {
    const colormap = store.shown.value?.colormap ?? "viridis";
    const marks = marksOf(colormap);
    const { markClipped } = store.window.value;
    return [
      ...(kinds.value ? marksIn(kinds.value, colormap) : []),
      ...(markClipped
        ? [
            { color: marks.below, text: "below" },
            { color: marks.above, text: "above" },
          ]
        : []),
      ...(store.shown.value?.other ? [{ color: null, text: store.otherName.value }] : []),
    ];
  });
  const coarse = useComputed(() => {
    const selected = selectedOf(store);
    return selected && !store.isDifference.value ? coarseness(store, selected.position) : null;
  }).value;
  // Its place stays where there are none, so that nothing under it moves.
  return (
    <div class="legend">
      <Clipped />
      {chips.value.length > 0 && (
        <ul class="marks" aria-label="Marks">
          {chips.value.map(({ color, text }) => (
            <li key={text}>
              <i class={color ? "" : "dashed"} style={{ background: color ?? "none" }} />
              {text}
            </li>
          ))}
        </ul>
      )}
      {coarse && (
        <span
          class="coarse"
          title="The storage keeps 11 bits of each value: smaller differences are lost"
        >
          stored in steps of {Number(coarse.step.toPrecision(4))}, varies by{" "}
          {Number(coarse.std.toPrecision(2))}
        </span>
      )}
    </div>
  );
}
