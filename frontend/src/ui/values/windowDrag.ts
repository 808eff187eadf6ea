/** A drag on a picture that windows it: x is width, y is centre. */
import { setWindow } from "../../state/actions";
import type { Store } from "../../state/store";
import { changeByDrag } from "./ends";

const DEAD_ZONE = 4;

/**
 * Takes over a press of mouse or pen once it has moved 4 px; Escape puts the window back. `moved` is
 * told when the drag begins, so that the press does not also select.
 */
export function startWindowDrag(
  store: Store,
  element: HTMLElement,
  press: PointerEvent,
  moved: () => void = () => {},
): void {
  if (press.button !== 0 || press.pointerType === "touch") return;
  const start = store.window.peek();
  let dragging = false;
  const move = (event: PointerEvent): void => {
    const [dx, dy] = [event.clientX - press.clientX, event.clientY - press.clientY];
    if (!dragging && Math.hypot(dx, dy) < DEAD_ZONE) return;
    if (!dragging) {
      dragging = true;
      element.setPointerCapture(press.pointerId);
      moved();
    }
    setWindow(store, changeByDrag(start, dx, dy));
  };
  const end = (): void => {
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", end);
    element.removeEventListener("pointercancel", end);
    window.removeEventListener("keydown", cancel, true);
  };
  const cancel = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !dragging) return;
    event.stopPropagation();
    setWindow(store, { brightness: start.brightness, contrast: start.contrast });
    end();
  };
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
  window.addEventListener("keydown", cancel, true);
}
