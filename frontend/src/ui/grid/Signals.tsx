/**
 * Signals: a row for each channel, positions from left to right. As lines, the selected channel stands
 * large above them with its axes; as a matrix, the positions are named there.
 */
import { useComputed } from "@preact/signals";
import { allOf, type Stretch } from "../../render/lines";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { moveAlong, usePointerAlong } from "./along";
import { besideOf } from "./Band";
import { Large, Positions } from "./SignalAxes";
import { SignalRow } from "./SignalRow";
import { rowsInSight, type SignalLayout, signalLayout } from "./signalLayout";
import { stretchOf } from "./stretch";
import { MARGIN, roomOf, useWell, Well } from "./Well";

export function Signals() {
  const store = useStore();
  const well = useWell();
  const { area, top } = well;
  const layout = useComputed(() => layoutFor(store, area.value));
  const l = layout.value;
  const pointer = usePointerAlong(store, (event) => placeOf(store, event, layout.peek()));
  usePaint(() => {
    store.tileWidth.value = layout.value?.height ?? 0;
    store.tileColumns.value = layout.value?.width ?? 0;
  }, [layout]);
  const [from, to] = l ? rowsInSight(l, top.value - MARGIN, area.value.height) : [0, 0];
  return (
    <Well
      well={well}
      kind={`signals ${store.lines.value ? "lines" : ""}`}
      cells={l && { ...l, rows: l.count, columns: 1 }}
      grid={pointer}
      moveMark={movePosition}
      above={l && (l.lines ? <Large layout={l} /> : <Positions layout={l} />)}
    >
      {l &&
        Array.from({ length: to - from }, (_, i) => from + i).map((row) => (
          <SignalRow key={row} row={row} layout={l} />
        ))}
    </Well>
  );
}

function layoutFor(store: Store, area: { width: number; height: number }): SignalLayout | null {
  const view = store.view.value;
  if (!view || area.width === 0) return null;
  const lines = store.lines.value;
  return signalLayout({
    lines,
    positions: view.planeSize,
    count: store.order.value.length,
    area: roomOf(area),
    wished: store.tileSize.value,
    parts: !lines && besideOf(store) ? 2 : 1,
  });
}

/** The channel and the position under a pointer. */
function placeOf(store: Store, event: MouseEvent, layout: SignalLayout | null) {
  const row = (event.target as Element).closest("[role=row]");
  const cell = row?.querySelector<HTMLElement>("[role=gridcell]");
  const position = cell && store.order.peek()[Number(cell.dataset.index)];
  const source = store.shown.peek()?.source;
  if (!layout || !source || position === null || position === undefined) return null;
  const part: Stretch = layout.lines ? stretchOf(store) : { x: 0, width: layout.cells };
  const share = (event.clientX - cell!.getBoundingClientRect().left) / layout.width;
  const at = Math.floor(part.x + share * part.width) * layout.reduce;
  return { position, x: Math.min(allOf(source).width - 1, Math.max(0, at)) };
}

/** Left and right move the marked position. */
function movePosition(key: string, store: Store): boolean {
  return moveAlong({ ArrowLeft: -1, ArrowRight: 1 }[key], store);
}
