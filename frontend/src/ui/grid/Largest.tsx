/** Over the matrix of a layer with many channels: which of them are largest in the shown example. */
import { useComputed } from "@preact/signals";
import type { LayerView } from "../../data/answers";
import { channelId } from "../../data/channels";
import { isDense } from "../../data/view";
import { formatValue } from "../../render/format";
import type { TileSource } from "../../render/planes";
import { selectChannel } from "../../state/actions";
import { classNames } from "../../state/attributed";
import { type Store, useStore } from "../../state/store";

/** From so many channels on, one that stands out is not found by looking. */
const MANY = 256;
const MOST = 10;

/** Whether a layer has so many channels, or one for each named class. */
export function hasLargest(store: Store, view: LayerView): boolean {
  return isDense(view.info) && (view.channels >= MANY || classNames(store, view) !== null);
}

/** The channels with the largest values in a row; none is not finite. */
function largestOf(source: TileSource, row: number, count: number) {
  const { planes } = source.stack;
  return Array.from({ length: planes }, (_, at) => ({ at, value: source.value(at, row, 0) }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => b.value - a.value)
    .slice(0, count);
}

export function Largest() {
  const store = useStore();
  const found = useComputed(() => {
    const [view, shown] = [store.view.value, store.shown.value];
    return view && shown ? largestOf(shown.source, view.example, MOST) : [];
  }).value;
  const view = store.view.value;
  if (!view) return null;
  const names = classNames(store, view);
  const reach = Math.abs(found[0]?.value ?? 0);
  return (
    <div class="largest" role="group" aria-label="Largest in this example">
      <span class="muted">{`Largest in example ${view.info.examples[view.example]}`}</span>
      {found.map(({ at, value }) => {
        const id = channelId(view.info, at);
        return (
          <button
            key={at}
            type="button"
            class="link"
            aria-pressed={at === store.channel.value}
            onClick={() => selectChannel(store, at)}
          >
            {names?.[id] ?? id}{" "}
            <b>{formatValue(value, reach, store.shown.value?.source.digits(3))}</b>
          </button>
        );
      })}
    </div>
  );
}
