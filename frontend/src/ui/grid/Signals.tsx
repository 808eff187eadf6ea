/**
 * Signals: a row for each channel, positions from left to right. As lines, the selected channel stands
 * large above them with its axes; as a matrix, the positions are named there.
 */
import { allOf, type Stretch } from "../../render/lines";
import { type Store, useStore } from "../../state/store";
import { moveAlong, usePointerAlong } from "./along";
import { besideOf } from "./Band";
import { Large, Positions } from "./SignalAxes";
import { SignalRow } from "./SignalRow";
import { type SignalLayout, signalLayout } from "./signalLayout";
import { stretchOf } from "./stretch";
import { useCells, useWell, Well } from "./Well";

export function Signals() {
  const store = useStore();
  const well = useWell();
  const { layout, cells, rows } = useCells(
    well,
    (view, room) => {
      const [positions, count, lines] = [
        view.planeSize,
        store.order.value.length,
        store.lines.value,
      ];
      const parts = !lines && besideOf(store) ? 2 : 1;
      return signalLayout({ lines, positions, count, parts, ...room });
    },
    ({ count, pitch, height: tile, width: across }) => {
      return { rows: count, columns: 1, count, pitch, tile, across };
    },
  );
  const l = layout.value;
  const pointer = usePointerAlong(store, (event) => placeOf(store, event, layout.peek()));
  return (
    <Well
      well={well}
      kind={`signals ${store.lines.value ? "lines" : ""}`}
      cells={cells}
      grid={pointer}
      moveMark={movePosition}
      above={l && (l.lines ? <Large layout={l} /> : <Positions layout={l} />)}
    >
      {l && rows.map((row) => <SignalRow key={row} row={row} layout={l} />)}
    </Well>
  );
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
