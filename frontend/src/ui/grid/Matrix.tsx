/**
 * Layers with one value a channel: a matrix of examples by channels, wrapped into bands.
 *
 * Each column is a cell of the same grid as a tile is elsewhere, with the same selection and keys.
 */
import { useComputed } from "@preact/signals";
import { labelsShown, type Store, useStore } from "../../state/store";
import { moveAlong, usePointerAlong } from "./along";
import { Band, besideOf } from "./Band";
import { hasLargest, Largest } from "./Largest";
import { labelsFor, type MatrixLayout, matrixLayout } from "./matrixLayout";
import { rowName } from "./rowName";
import { useCells, useWell, Well } from "./Well";

export function Matrix() {
  const store = useStore();
  const well = useWell();
  const { layout, cells, rows } = useCells(
    well,
    (view, room) => {
      const [positions, count] = [view.planeSize, store.order.value.length];
      const names = view.info.examples.map((_, i) => rowName(view, i, labelsShown(store)));
      const own = { parts: besideOf(store) ? 2 : 1, labels: labelsFor(names) };
      return matrixLayout({ positions, count, ...own, ...room });
    },
    ({ bands: rows, cell: tile, ...l }) => ({ ...l, rows, tile }),
  );
  const l = layout.value;
  const pointer = usePointerAlong(store, (event) => placeOf(store, event, layout.peek()));
  const most = useComputed(
    () => store.view.value !== null && hasLargest(store, store.view.value),
  ).value;
  return (
    <Well
      well={well}
      kind={`matrix ${most ? "most" : ""}`}
      above={most && <Largest />}
      cells={cells}
      grid={pointer}
      moveMark={moveRow}
    >
      {l && rows.map((band) => <Band key={band} band={band} layout={l} />)}
    </Well>
  );
}

function placeOf(store: Store, event: MouseEvent, layout: MatrixLayout | null) {
  const cell = (event.target as Element).closest<HTMLElement>("[role=gridcell]");
  const position = cell && store.order.peek()[Number(cell.dataset.index)];
  if (!layout || !cell || position === null || position === undefined) return null;
  const row = Math.floor((event.clientY - cell.getBoundingClientRect().top) / layout.cell);
  const last = (store.view.peek()?.planeSize ?? 1) - 1;
  const within = row % (layout.rows + 1);
  return { position, x: Math.min(last, Math.max(0, within) * layout.reduce) };
}

/** Up and down move the marked row. */
function moveRow(key: string, store: Store): boolean {
  return moveAlong({ ArrowUp: -1, ArrowDown: 1 }[key], store);
}
