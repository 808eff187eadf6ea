/**
 * The well of attribution maps: each example, its input before a map of each target. Lines
 * in sight alone are there; a switch or a slider repaints their canvases and renders nothing.
 */
import { type ReadonlySignal, useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { coveredBy } from "../../render/maps";
import { markPixel, resetWindow, selectMap, setHover } from "../../state/actions";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { movedTo } from "../grid/keys";
import { MARGIN, roomOf, useWell } from "../grid/Well";
import { startWindowDrag } from "../values/windowDrag";
import { Line } from "./Line";
import { type MapLayout, mapLayout, visibleLines } from "./mapLayout";

export function MapGrid() {
  const store = useStore();
  const well = useWell();
  const { scroll, area, top } = well;
  const layout = useComputed(() => layoutIn(store, area.value));
  const range = useComputed(() => {
    const l = layout.value;
    const [from, to] = l ? visibleLines(l, top.value - MARGIN, area.value.height) : [0, 0];
    return `${from}:${to}`;
  });
  usePaint(() => {
    store.tileWidth.value = layout.value?.geometry.tileCssWidth ?? 0;
  });
  const pointer = usePointer(store, layout);
  const l = layout.value;
  const [from = 0, to = 0] = range.value.split(":").map(Number);
  return (
    <section
      class={`gridwell ${store.loading.value ? "loading" : ""}`}
      aria-label="Attribution maps"
    >
      <div
        ref={scroll}
        class="gridscroll maps"
        role="grid"
        aria-label="Maps"
        aria-rowcount={l?.lines.length ?? 0}
        aria-colcount={l ? l.columns * l.groups : 0}
        aria-busy={store.loading.value}
        data-parts={l?.parts ?? 1}
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
        }}
        onKeyDown={(event) => l && onKey(event, store, l)}
        {...pointer}
      >
        <div class="gridinner" style={l ? `height:${l.lines.length * l.pitchY}px` : ""}>
          {l &&
            Array.from({ length: to - from }, (_, i) => from + i).map((line) => (
              <Line key={line} line={line} layout={l} />
            ))}
        </div>
      </div>
      <div class="busy" />
    </section>
  );
}

function layoutIn(store: Store, area: { width: number; height: number }): MapLayout | null {
  const view = store.view.value;
  const rows = store.mapRows.value;
  if (!view || rows.length === 0 || area.width === 0) return null;
  const [planeHeight, planeWidth] = coveredBy(view);
  return mapLayout({
    planeWidth,
    planeHeight,
    counts: rows.map(({ targets }) => targets.length),
    area: roomOf(area),
    wished: store.tileSize.value,
    parts: store.compare.value?.mode === "beside" ? 2 : 1,
    withInput: store.input.value !== null,
  });
}

interface Place {
  readonly example: number;
  readonly position: number;
  /** −1 outside of the map. */
  readonly x: number;
  readonly y: number;
}

function placeOf(store: Store, event: MouseEvent, layout: MapLayout): Place | null {
  const cell = (event.target as Element).closest<HTMLElement>(".cell");
  if (!cell) return null;
  const box = cell.getBoundingClientRect();
  const { geometry, zoom } = layout;
  const [dx, dy] = [event.clientX - box.left, event.clientY - box.top];
  const inside = dx >= 0 && dy >= 0 && dx < layout.cellWidth && dy < geometry.tileCssHeight;
  const row = store.mapRows.peek()[Number(cell.dataset.row)];
  const position = row?.targets[Number(cell.dataset.target)];
  if (!row || position === undefined) return null;
  const { example } = row.view;
  if (!inside) return { example, position, x: -1, y: -1 };
  const x = Math.floor((dx % geometry.tileCssWidth) / zoom);
  return { example, position, x, y: Math.floor(dy / zoom) };
}

function usePointer(store: Store, layout: ReadonlySignal<MapLayout | null>) {
  const dragged = useRef(false);
  const at = (event: MouseEvent) => layout.peek() && placeOf(store, event, layout.peek()!);
  return {
    onPointerDown(event: PointerEvent) {
      dragged.current = false;
      if (!at(event)) return;
      startWindowDrag(store, event.currentTarget as HTMLElement, event, () => {
        dragged.current = true;
        setHover(store, null);
      });
    },
    onPointerMove(event: PointerEvent) {
      if (event.buttons !== 0) return;
      const place = at(event);
      if (!place || place.x < 0) {
        if (store.pointed.peek()) setHover(store, null);
        return;
      }
      const { example, position, x, y } = place;
      setHover(store, { example, position, pixel: { x, y, z: store.depth.peek() } });
    },
    onPointerLeave() {
      setHover(store, null);
    },
    onClick(event: MouseEvent) {
      const place = at(event);
      if (dragged.current || !place) return;
      selectMap(store, place.example, place.position);
      if (place.x >= 0) markPixel(store, { x: place.x, y: place.y, z: store.depth.peek() });
    },
    onDblClick() {
      resetWindow(store);
    },
  };
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Arrows move among targets and examples; with Shift they move the marked pixel. */
function onKey(event: KeyboardEvent, store: Store, layout: MapLayout): void {
  if (event.altKey || event.metaKey) return;
  const rows = store.mapRows.peek();
  const view = store.view.peek();
  const position = store.channel.peek();
  if (!view || position === null) return;
  const row = Math.max(
    0,
    rows.findIndex((one) => one.view.example === view.example),
  );
  if (event.shiftKey) {
    if (moveMark(event.key, store, position)) event.preventDefault();
    return;
  }
  const cells = rows.flatMap(({ view: { example }, targets }) =>
    targets.map((target) => ({ example, target })),
  );
  const index = cells.findIndex(
    ({ example, target }) => example === rows[row]?.view.example && target === position,
  );
  const to = movedTo(
    event.key,
    Math.max(0, index),
    cells.length,
    lineWidth(layout),
    1,
    event.ctrlKey,
  );
  const cell = to === null ? undefined : cells[to];
  if (to === null || !cell) return;
  event.preventDefault();
  selectMap(store, cell.example, cell.target);
  focusCell(event.currentTarget as HTMLElement, to, layout);
}

/** From a map to the one under it. */
function lineWidth({ lines }: MapLayout): number {
  return Math.max(1, lines[0]?.reduce((sum, { from, to }) => sum + to - from, 0) ?? 1);
}

function focusCell(root: HTMLElement, index: number, { lines, pitchY }: MapLayout): void {
  const line = lines.findIndex((groups) =>
    groups.some(({ index: first, from, to }) => index < first + to - from),
  );
  const [top, bottom] = [line * pitchY, (line + 1) * pitchY + MARGIN];
  if (top < root.scrollTop) root.scrollTop = top;
  else if (bottom > root.scrollTop + root.clientHeight) root.scrollTop = bottom - root.clientHeight;
  const focus = () => {
    const cell = root.querySelector<HTMLElement>(`[role=gridcell][data-index="${index}"]`);
    cell?.focus({ preventScroll: true });
    return cell !== null;
  };
  if (!focus()) requestAnimationFrame(() => requestAnimationFrame(focus));
}

function moveMark(key: string, store: Store, position: number): boolean {
  const [step, view] = [STEPS[key], store.view.peek()];
  if (!step || !view) return false;
  const [height, width] = coveredBy(view);
  const from = store.hover.peek()?.pixel ?? store.pixel.peek() ?? { x: 0, y: 0 };
  const within = (value: number, size: number) => Math.min(size - 1, Math.max(0, value));
  const pixel = {
    x: within(from.x + step[0], width),
    y: within(from.y + step[1], height),
    z: store.depth.peek(),
  };
  markPixel(store, pixel);
  setHover(store, { position, pixel, byKeyboard: true });
  return true;
}
