/**
 * The well of tiles: virtual rows, each one canvas and the cells over it.
 *
 * Moving a slider repaints the canvases of the rows in sight and renders no component.
 */
import { type ReadonlySignal, useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { sourceOf } from "../../render/planes";
import { markPixel, resetWindow, selectChannel, setHover } from "../../state/actions";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { startWindowDrag } from "../values/windowDrag";
import { Row } from "./Row";
import { type GridLayout, layoutOf, markRoom, visibleRows } from "./tileLayout";
import { MARGIN, roomOf, useWell, Well } from "./Well";

export function Grid() {
  const store = useStore();
  const well = useWell();
  const { scroll, area, top } = well;
  const layout = useComputed(() => gridLayout(store, area.value));
  const scope = useComputed(() => store.shown.value?.range ?? "channel");
  const range = useComputed(() => {
    const l = layout.value;
    const [from, to] = l ? visibleRows(l, top.value - MARGIN, area.value.height) : [0, 0];
    return `${from}:${to}`;
  });
  usePaint(() => {
    store.tileWidth.value = layout.value?.geometry.tileCssWidth ?? 0;
  });
  usePaint(() => markPixels(scroll.current, store, layout.value));
  usePaint(() => {
    // Another layer or another filter begins at the top.
    store.cells.value;
    if (scroll.current && !scroll.current.contains(document.activeElement)) {
      scroll.current.scrollTop = 0;
    }
  });
  const pointer = usePointer(store, layout);
  const l = layout.value;
  const [from = 0, to = 0] = range.value.split(":").map(Number);
  const attributes = { "data-range": scope.value, "data-parts": l?.parts ?? 1 };
  return (
    <Well
      well={well}
      cells={l && { ...l, pitch: l.pitchY }}
      grid={{ ...attributes, ...pointer }}
      moveMark={movePixel}
    >
      {l &&
        Array.from({ length: to - from }, (_, i) => from + i).map((row) => (
          <Row key={row} row={row} layout={l} />
        ))}
    </Well>
  );
}

function gridLayout(store: Store, area: { width: number; height: number }): GridLayout | null {
  const view = store.view.value;
  if (!view || area.width === 0) return null;
  const { width, height } = sourceOf(view, store.depth.value).stack;
  if (width === 0 || height === 0) return null;
  return layoutOf({
    planeWidth: width,
    planeHeight: height,
    count: store.cells.value.length,
    area: roomOf(area),
    wished: store.tileSize.value,
    parts: isBeside(store) ? 2 : 1,
  });
}

/** Two tiles in each cell; the second stays empty until its values are here. */
function isBeside(store: Store): boolean {
  return store.compare.value?.mode === "beside";
}

/** The marked pixel in every tile, by three custom properties: nothing is rendered. */
function markPixels(root: HTMLElement | null, store: Store, layout: GridLayout | null): void {
  const pixel = store.hover.value?.pixel ?? store.pixel.value;
  if (!root || !layout) return;
  root.style.setProperty("--mark-visibility", pixel ? "visible" : "hidden");
  if (!pixel) return;
  const { zoom } = layout;
  const size = Math.max(zoom, 5);
  // Whole pixels, so that its sides are sharp.
  const shift = Math.floor((size - zoom) / 2) + 1;
  const room = markRoom(layout);
  root.style.setProperty("--mark-x", `${pixel.x * zoom - shift + room}px`);
  root.style.setProperty("--mark-y", `${pixel.y * zoom - shift + room}px`);
  root.style.setProperty("--mark-image", markImage(layout, size));
}

/** A hollow square in each tile of a cell, white within black, so that it stands out on any colour. */
function markImage({ pitchX, parts, geometry }: GridLayout, size: number): string {
  const squares = Array.from({ length: parts }, (_, part) => {
    const x = part * geometry.tileCssWidth;
    return (
      `<rect x='${x + 0.5}' y='.5' width='${size + 1}' height='${size + 1}' stroke='black'/>` +
      `<rect x='${x + 1.5}' y='1.5' width='${size - 1}' height='${size - 1}' stroke='white'/>`
    );
  });
  const height = geometry.tileCssHeight + 8;
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' fill='none' width='${pitchX}' height='${height}'>${squares.join("")}</svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

interface Place {
  readonly index: number;
  readonly x: number;
  readonly y: number;
}

/** The cell and the pixel of its plane under a pointer. */
function placeOf(event: PointerEvent | MouseEvent, layout: GridLayout): Place | null {
  const cell = (event.target as Element).closest<HTMLElement>(".cell");
  if (!cell) return null;
  const box = cell.getBoundingClientRect();
  const { geometry, zoom } = layout;
  const [dx, dy] = [event.clientX - box.left, event.clientY - box.top];
  const inside = dx >= 0 && dy >= 0 && dx < layout.cellWidth && dy < geometry.tileCssHeight;
  if (!inside) return { index: Number(cell.dataset.index), x: -1, y: -1 };
  return {
    index: Number(cell.dataset.index),
    x: Math.floor((dx % geometry.tileCssWidth) / zoom),
    y: Math.floor(dy / zoom),
  };
}

/** Hover reads values, a click selects, a drag windows, a double click resets. */
function usePointer(store: Store, layout: ReadonlySignal<GridLayout | null>) {
  const dragged = useRef(false);
  const hoverAt = (event: PointerEvent) => {
    const place = layout.peek() && placeOf(event, layout.peek()!);
    const position = place && store.cells.peek()[place.index];
    if (!place || position === undefined || position === null || place.x < 0) {
      if (store.hover.peek()) setHover(store, null);
      return;
    }
    const before = store.hover.peek();
    const { x, y } = place;
    if (before?.position === position && before.pixel.x === x && before.pixel.y === y) return;
    setHover(store, {
      position,
      pixel: { x, y, z: store.depth.peek() },
      byKeyboard: false,
    });
  };
  return {
    onPointerDown(event: PointerEvent) {
      dragged.current = false;
      if (!layout.peek() || !placeOf(event, layout.peek()!)) return;
      startWindowDrag(store, event.currentTarget as HTMLElement, event, () => {
        dragged.current = true;
        setHover(store, null);
      });
    },
    onPointerMove(event: PointerEvent) {
      if (event.buttons === 0) hoverAt(event);
    },
    onPointerLeave() {
      setHover(store, null);
    },
    onClick(event: MouseEvent) {
      if (dragged.current) return;
      const place = layout.peek() && placeOf(event, layout.peek()!);
      const position = place ? store.cells.peek()[place.index] : undefined;
      if (!place || position === undefined) return;
      selectChannel(store, position);
      if (place.x >= 0) markPixel(store, { x: place.x, y: place.y, z: store.depth.peek() });
    },
    onDblClick() {
      resetWindow(store);
    },
  };
}

function movePixel(key: string, store: Store): boolean {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const view = store.view.peek();
  const position = store.channel.peek();
  if (!step || !view || position === null) return false;
  const { width, height } = sourceOf(view, store.depth.peek()).stack;
  const from = store.hover.peek()?.pixel ?? store.pixel.peek() ?? { x: 0, y: 0, z: 0 };
  const pixel = {
    x: Math.min(width - 1, Math.max(0, from.x + step[0]!)),
    y: Math.min(height - 1, Math.max(0, from.y + step[1]!)),
    z: store.depth.peek(),
  };
  markPixel(store, pixel);
  setHover(store, { position, pixel, byKeyboard: true });
  return true;
}
