/**
 * Layers with one value a channel: a matrix of examples by channels, wrapped into bands.
 *
 * Each column is a cell of the same grid as a tile is elsewhere, with the same selection and keys.
 */
import { useComputed } from "@preact/signals";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { moveAlong, usePointerAlong } from "./along";
import { Band, besideOf } from "./Band";
import { hasLargest, Largest } from "./Largest";
import { type MatrixLayout, matrixLayout, visibleBands } from "./matrixLayout";
import { MARGIN, roomOf, useWell, Well } from "./Well";

export function Matrix() {
  const store = useStore();
  const well = useWell();
  const { area, top } = well;
  const layout = useComputed(() => layoutFor(store, area.value));
  const l = layout.value;
  const pointer = usePointerAlong(store, (event) => placeOf(store, event, layout.peek()));
  usePaint(() => {
    store.tileWidth.value = layout.value?.cell ?? 0;
    store.tileColumns.value = layout.value?.columns ?? 0;
  }, [layout]);
  const most = useComputed(
    () => store.view.value !== null && hasLargest(store, store.view.value),
  ).value;
  const [from, to] = l ? visibleBands(l, top.value - MARGIN, area.value.height) : [0, 0];
  return (
    <Well
      well={well}
      kind={`matrix ${most ? "most" : ""}`}
      above={most && <Largest />}
      cells={l && { ...l, rows: l.bands }}
      grid={pointer}
      moveMark={moveRow}
    >
      {l &&
        Array.from({ length: to - from }, (_, i) => from + i).map((band) => (
          <Band key={band} band={band} layout={l} />
        ))}
    </Well>
  );
}

function layoutFor(store: Store, area: { width: number; height: number }): MatrixLayout | null {
  const view = store.view.value;
  if (!view || area.width === 0) return null;
  return matrixLayout({
    positions: view.planeSize,
    count: store.order.value.length,
    area: roomOf(area),
    wished: store.tileSize.value,
    parts: besideOf(store) ? 2 : 1,
  });
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
