/** What a pointer and keys do where planes have one side: positions of a sequence, examples of a layer. */
import { useRef } from "preact/hooks";
import { markPixel, resetWindow, selectChannel, setHover, togglePin } from "../../state/actions";
import type { Store } from "../../state/store";
import { startWindowDrag } from "../values/windowDrag";

/** The channel and the position (or example) under a pointer. */
interface Place {
  readonly position: number;
  readonly x: number;
}

function isCaption(event: MouseEvent): boolean {
  return (event.target as Element).closest(".caption") !== null;
}

/** Hover reads values, a click selects, a drag windows, a double click resets. */
export function usePointerAlong(store: Store, placeOf: (event: MouseEvent) => Place | null) {
  const dragged = useRef(false);
  return {
    onPointerDown(event: PointerEvent) {
      dragged.current = false;
      if (!placeOf(event)) return;
      startWindowDrag(store, event.currentTarget as HTMLElement, event, () => {
        dragged.current = true;
      });
    },
    onPointerMove(event: PointerEvent) {
      const place = event.buttons === 0 && !isCaption(event) ? placeOf(event) : null;
      const before = store.hover.peek();
      if (!place) {
        if (before) setHover(store, null);
      } else if (before?.position !== place.position || before.pixel.x !== place.x) {
        setHover(store, { position: place.position, pixel: { x: place.x, y: 0, z: 0 } });
      }
    },
    onPointerLeave() {
      setHover(store, null);
    },
    onClick(event: MouseEvent) {
      const place = placeOf(event);
      if (dragged.current || !place) return;
      selectChannel(store, place.position);
      if (isCaption(event)) {
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

/** Moves the mark by so many, where the key is one that does. */
export function moveAlong(by: number | undefined, store: Store): boolean {
  const view = store.view.peek();
  const position = store.channel.peek();
  if (by === undefined || !view || position === null) return false;
  const from = store.pixel.peek()?.x ?? 0;
  const pixel = { x: Math.min(view.planeSize - 1, Math.max(0, from + by)), y: 0, z: 0 };
  markPixel(store, pixel);
  setHover(store, { position, pixel, byKeyboard: true });
  return true;
}
