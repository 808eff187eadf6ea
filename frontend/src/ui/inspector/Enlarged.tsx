/**
 * The selected tile, enlarged: zoom, values written into pixels that are large enough, the input over
 * it, the marked pixel. A drag windows it, a click marks a pixel, arrows move the mark.
 */
import { useComputed } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { isAttention } from "../../data/channels";
import type { Viewport } from "../../data/choices";
import { holdsMaps } from "../../data/view";
import type { Over } from "../../render/overlay";
import { formOf } from "../../render/sample";
import { markPixel, setHover, setOverlay, setWindow } from "../../state/actions";
import { inputShown } from "../../state/inputShown";
import { overOf } from "../../state/over";
import { usePaint } from "../../state/paint";
import { headingOf, selectedOf, useSelected } from "../../state/selected";
import { type Store, useStore } from "../../state/store";
import { zeroInCell } from "../../state/stored";
import { startWindowDrag } from "../values/windowDrag";
import { Painter } from "./paintEnlarged";
import { revealing, whole, within, zoomAbout } from "./viewport";

export function Enlarged({ size }: { size: number }) {
  const store = useStore();
  const selected = useSelected(store);
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useMemo(() => new Painter(), []);
  usePaint(() => {
    void store.dark.value;
    const at = selected.value;
    if (canvas.current && at) {
      painter.paint(canvas.current, at, viewOf(store), size, {
        mark: markOf(store),
        overlay: store.overlay.value && !isMap(store) ? inputOf(store) : null,
        over: store.overlay.value && isMap(store) ? overHere(store) : null,
        zero: zeroInCell(store, at.position),
        line: store.lines.value,
      });
    }
  }, [store, selected, size]);
  useGestures(store, canvas);
  const label = useComputed(() => `${headingOf(selected.value)} enlarged`);
  const flat = useComputed(() => store.shown.value?.source.stack.height === 1);
  const scores = useComputed(() => store.view.value !== null && isAttention(store.view.value));
  const zoomed = useComputed(() => viewOf(store) !== null);
  const step = (factor: number) => zoomBy(store, null, factor);
  return (
    <div
      class={`enlarged ${scores.value ? "attention" : ""}`}
      style={{ minHeight: `${flat.value ? 0 : size}px` }}
    >
      <canvas ref={canvas} role="img" tabIndex={0} aria-label={label} />
      <div class="tools">
        <button
          class="button icon"
          type="button"
          aria-label="Zoom in"
          title="Zoom in (+ or Ctrl-wheel)"
          onClick={() => step(2)}
        >
          +
        </button>
        <button
          class="button icon"
          type="button"
          aria-label="Zoom out"
          title="Zoom out (−), 0 shows all"
          disabled={!zoomed.value}
          onClick={() => step(0.5)}
        >
          −
        </button>
        <OverlayButton />
      </div>
    </div>
  );
}

function OverlayButton() {
  const store = useStore();
  const usable = useComputed(() => {
    if (store.lines.value) return false;
    if (isMap(store)) return overHere(store) !== null;
    return inputOf(store) !== null && store.view.value?.kind !== "input";
  });
  return (
    <button
      class="button icon"
      type="button"
      aria-label="Input over it"
      title="Lay the input over it (i)"
      aria-pressed={store.overlay.value}
      disabled={!usable.value}
      onClick={() => setOverlay(store, !store.overlay.peek())}
    >
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <rect x="1" y="1" width="8" height="8" fill="none" stroke="currentColor" />
        <rect x="5" y="5" width="8" height="8" fill="currentColor" opacity="0.5" />
      </svg>
    </button>
  );
}

function isMap(store: Store): boolean {
  const info = store.view.value?.info;
  return info !== undefined && holdsMaps(info);
}

/** The input under a map. */
function overHere(store: Store): Over | null {
  const view = store.view.value;
  return view && overOf(store, view);
}

function markOf(store: Store): { x: number; y: number } | null {
  return store.hover.value?.pixel ?? store.pixel.value;
}

/** What can be laid over a tile, which has places of its own: an input that is a picture itself. */
function inputOf(store: Store) {
  const source = inputShown(store);
  if ((store.view.value?.spatial.length ?? 0) < 2) return null;
  return source && formOf(source.stack) === "picture" ? source : null;
}

/** The part that is shown, where this plane has it; null: all. */
function viewOf(store: Store): Viewport | null {
  const stack = store.shown.value?.source.stack;
  return stack ? within(store.zoom.value, stack) : null;
}

/** Zooms about a place, by default the marked pixel or the middle. */
function zoomBy(store: Store, at: { x: number; y: number } | null, factor: number): void {
  const stack = store.shown.peek()?.source.stack;
  if (!stack) return;
  const now = viewOf(store) ?? whole(stack.width, stack.height);
  const mark = store.pixel.peek();
  const place = at ??
    (mark && { x: mark.x + 0.5, y: mark.y + 0.5 }) ?? {
      x: now.x + now.width / 2,
      y: now.y + now.height / 2,
    };
  const next = zoomAbout(now, stack, place, factor);
  store.zoom.value = within(next, stack);
}

/** Where a pointer stands, in source pixels with their fractions. */
function placeOf(store: Store, element: HTMLElement, event: MouseEvent) {
  const stack = store.shown.peek()?.source.stack;
  if (!stack) return null;
  const box = element.getBoundingClientRect();
  const part = viewOf(store) ?? whole(stack.width, stack.height);
  const x = part.x + ((event.clientX - box.left) / box.width) * part.width;
  const y = part.y + ((event.clientY - box.top) / box.height) * part.height;
  const inside = x >= 0 && y >= 0 && x < stack.width && y < stack.height;
  return inside ? { x, y } : null;
}

function useGestures(store: Store, canvas: { readonly current: HTMLCanvasElement | null }): void {
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const abort = new AbortController();
    const on = <K extends keyof HTMLElementEventMap>(
      type: K,
      listen: (event: HTMLElementEventMap[K]) => void,
    ) => element.addEventListener(type, listen, { signal: abort.signal, passive: false });
    let dragged = false;
    on("pointerdown", (event) => {
      dragged = false;
      startWindowDrag(store, element, event, () => {
        dragged = true;
      });
    });
    on("pointermove", (event) => {
      const at = placeOf(store, element, event);
      const selected = selectedOf(store);
      if (!at || !selected) return;
      const pixel = { x: Math.floor(at.x), y: Math.floor(at.y), z: store.depth.peek() };
      setHover(store, { position: selected.position, pixel });
    });
    on("pointerleave", () => setHover(store, null));
    on("click", (event) => {
      const at = placeOf(store, element, event);
      if (!dragged && at) {
        markPixel(store, { x: Math.floor(at.x), y: Math.floor(at.y), z: store.depth.peek() });
      }
    });
    on("dblclick", () => setWindow(store, { brightness: 0, contrast: 0 }));
    on("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const at = placeOf(store, element, event);
      zoomBy(store, at, Math.exp(-event.deltaY / 200));
    });
    on("keydown", (event) => keyed(store, event));
    return () => abort.abort();
  }, [store, canvas]);
}

const MOVES: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function keyed(store: Store, event: KeyboardEvent): void {
  const stack = store.shown.peek()?.source.stack;
  if (!stack || event.ctrlKey || event.metaKey || event.altKey) return;
  const move = MOVES[event.key];
  if (move) {
    const from = store.pixel.peek() ?? { x: stack.width >> 1, y: stack.height >> 1, z: 0 };
    const pixel = {
      x: Math.min(stack.width - 1, Math.max(0, from.x + move[0])),
      y: Math.min(stack.height - 1, Math.max(0, from.y + move[1])),
      z: store.depth.peek(),
    };
    markPixel(store, pixel);
    const now = viewOf(store);
    if (now) store.zoom.value = revealing(now, stack, pixel);
  } else if (event.key === "+" || event.key === "=") {
    zoomBy(store, null, 2);
  } else if (event.key === "-") {
    zoomBy(store, null, 0.5);
  } else if (event.key === "0") {
    store.zoom.value = null;
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
