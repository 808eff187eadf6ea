/**
 * Layers without pictures: a matrix of positions (or examples) by channels, wrapped into bands.
 *
 * Each column is a cell of the same grid as a tile is elsewhere, with the same selection and keys.
 */
import { type ReadonlySignal, useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { markPixel, resetWindow, selectChannel, setHover, togglePin } from "../../state/actions";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { startWindowDrag } from "../values/windowDrag";
import { Band, besideOf } from "./Band";
import { type MatrixLayout, matrixLayout, visibleBands } from "./matrixLayout";
import { MARGIN, roomOf, useWell, Well } from "./Well";

export function Matrix() {
  const store = useStore();
  const well = useWell();
  const { area, top } = well;
  const layout = useComputed(() => layoutFor(store, area.value));
  const l = layout.value;
  const pointer = usePointer(store, layout);
  usePaint(() => {
    store.tileWidth.value = layout.value?.cell ?? 0;
    store.tileColumns.value = layout.value?.columns ?? 0;
  }, [layout]);
  const [from, to] = l ? visibleBands(l, top.value - MARGIN, area.value.height) : [0, 0];
  return (
    <Well
      well={well}
      kind="matrix"
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

interface Place {
  readonly position: number;
  readonly x: number;
}

function placeOf(store: Store, event: MouseEvent, layout: MatrixLayout | null): Place | null {
  const cell = (event.target as Element).closest<HTMLElement>("[role=gridcell]");
  const position = cell && store.order.peek()[Number(cell.dataset.index)];
  if (!layout || !cell || position === null || position === undefined) return null;
  const row = Math.floor((event.clientY - cell.getBoundingClientRect().top) / layout.cell);
  const last = (store.view.peek()?.planeSize ?? 1) - 1;
  const within = row % (layout.rows + 1);
  return { position, x: Math.min(last, Math.max(0, within) * layout.reduce) };
}

function usePointer(store: Store, layout: ReadonlySignal<MatrixLayout | null>) {
  const dragged = useRef(false);
  return {
    onPointerDown(event: PointerEvent) {
      dragged.current = false;
      if (!placeOf(store, event, layout.peek())) return;
      startWindowDrag(store, event.currentTarget as HTMLElement, event, () => {
        dragged.current = true;
      });
    },
    onPointerMove(event: PointerEvent) {
      const place = event.buttons === 0 ? placeOf(store, event, layout.peek()) : null;
      const before = store.hover.peek();
      if (!place) {
        if (before) setHover(store, null);
      } else if (before?.position !== place.position || before.pixel.x !== place.x) {
        const pixel = { x: place.x, y: 0, z: 0 };
        setHover(store, { position: place.position, pixel, byKeyboard: false });
      }
    },
    onPointerLeave() {
      setHover(store, null);
    },
    onClick(event: MouseEvent) {
      const place = placeOf(store, event, layout.peek());
      if (dragged.current || !place) return;
      selectChannel(store, place.position);
      if ((event.target as Element).matches(".caption")) {
        togglePin(store, place.position);
        return;
      }
      markPixel(store, { x: place.x, y: 0, z: 0 });
    },
    onDblClick() {
      resetWindow(store);
    },
  };
}

/** Up and down move the marked row. */
function moveRow(key: string, store: Store): boolean {
  const by = { ArrowUp: -1, ArrowDown: 1 }[key];
  const view = store.view.peek();
  const position = store.channel.peek();
  if (by === undefined || !view || position === null) return false;
  const from = store.pixel.peek()?.x ?? 0;
  const pixel = { x: Math.min(view.planeSize - 1, Math.max(0, from + by)), y: 0, z: 0 };
  markPixel(store, pixel);
  setHover(store, { position, pixel, byKeyboard: true });
  return true;
}
