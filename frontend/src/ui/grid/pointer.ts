/** What a pointer does on tiles, of channels or of maps, and how the mark moves by keyboard. */
import { useRef } from "preact/hooks";
import {
  markPixel,
  resetWindow,
  selectChannel,
  selectExample,
  setHover,
  togglePin,
} from "../../state/actions";
import type { Store } from "../../state/store";
import { startWindowDrag } from "../values/windowDrag";

/** The tile and the pixel of its plane under a pointer; x is −1 outside of the plane. */
interface Place {
  readonly position: number;
  /** Where tiles are of several examples. */
  readonly example?: number | undefined;
  readonly x: number;
  readonly y: number;
  /** Whether it is on what stands under the plane. */
  readonly below?: boolean;
}

/** CSS pixels of the bar under a tile. */
const BAR = 5;

interface Tiles {
  readonly geometry: { readonly tileCssWidth: number; readonly tileCssHeight: number };
  readonly cellWidth: number;
  /** CSS pixels for one value of the plane. */
  readonly zoom: number;
}

/** The pixel under a pointer within a cell. */
function pixelIn(cell: HTMLElement, event: MouseEvent, { geometry, cellWidth, zoom }: Tiles) {
  const box = cell.getBoundingClientRect();
  const [dx, dy] = [event.clientX - box.left, event.clientY - box.top];
  const inside = dx >= 0 && dy >= 0 && dx < cellWidth && dy < geometry.tileCssHeight;
  if (!inside) return { x: -1, y: -1, below: dy >= geometry.tileCssHeight + BAR };
  return { x: Math.floor((dx % geometry.tileCssWidth) / zoom), y: Math.floor(dy / zoom) };
}

interface Reads {
  readonly tileOf: (cell: HTMLElement) => Pick<Place, "position" | "example"> | null;
  /** Which pixel of the plane stands at a place of a tile, where that is not the place itself. */
  readonly pixelAt?: (
    place: { x: number; y: number },
    clicked: boolean,
  ) => { x: number; y: number };
}

/** Hover reads values, a click selects, a drag windows, a double click resets. */
export function usePointer(
  store: Store,
  layout: { peek(): Tiles | null },
  { tileOf, pixelAt = (place) => place }: Reads,
) {
  const dragged = useRef(false);
  const at = (event: MouseEvent): Place | null => {
    const cell = (event.target as Element).closest<HTMLElement>(".cell");
    const tiles = layout.peek();
    const tile = cell && tileOf(cell);
    if (!tiles || !tile) return null;
    const place = pixelIn(cell, event, tiles);
    return { ...tile, ...(place.x < 0 ? place : pixelAt(place, event.type === "click")) };
  };
  const hoverAt = (event: PointerEvent) => {
    const place = at(event);
    if (!place || place.x < 0) {
      if (store.hover.peek()) setHover(store, null);
      return;
    }
    const before = store.pointed.peek();
    const { x, y, position, example } = place;
    const same = before?.position === position && before.example === example;
    if (same && before.pixel.x === x && before.pixel.y === y) return;
    const pixel = { x, y, z: store.depth.peek() };
    setHover(store, { position, pixel, ...(example === undefined ? {} : { example }) });
  };
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
      if (event.buttons === 0) hoverAt(event);
    },
    onPointerLeave() {
      setHover(store, null);
    },
    onClick(event: MouseEvent) {
      const place = at(event);
      if (dragged.current || !place) return;
      if (place.example !== undefined) selectExample(store, place.example);
      selectChannel(store, place.position);
      if (place.x >= 0) markPixel(store, { x: place.x, y: place.y, z: store.depth.peek() });
      else if (place.below && place.example === undefined) togglePin(store, place.position);
    },
    onDblClick() {
      resetWindow(store);
    },
  };
}

export function movePixel(key: string, store: Store): boolean {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const stack = store.shown.peek()?.source.stack;
  const position = store.channel.peek();
  if (!step || !stack || position === null) return false;
  const from = store.hover.peek()?.pixel ?? store.pixel.peek() ?? { x: 0, y: 0 };
  const pixel = {
    x: Math.min(stack.width - 1, Math.max(0, from.x + step[0]!)),
    y: Math.min(stack.height - 1, Math.max(0, from.y + step[1]!)),
    z: store.depth.peek(),
  };
  markPixel(store, pixel);
  setHover(store, { position, pixel, byKeyboard: true });
  return true;
}
