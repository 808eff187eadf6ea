/**
 * The histogram of what is shown, with the window's two ends on it and the colour bar under it.
 *
 * Bars count all shown channels, the outline the selected one, dashed that of the other side. Counting waits until the picture is
 * painted; moving an end repaints one small canvas.
 */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { planesOf } from "../../data/channels";
import type { Span } from "../../data/choices";
import { ABOVE_ENTRY, BELOW_ENTRY, colorOf, cssGradient } from "../../render/colormap";
import { histogramOf } from "../../render/histogram";
import { symmetric } from "../../render/limits";
import { BINS, type Counted, paintHistogram, toValue, toX } from "../../render/paintHistogram";
import type { TileSource } from "../../render/planes";
import { entryOf } from "../../render/strip";
import { setWindow } from "../../state/actions";
import { type Selected, useSelected } from "../../state/selected";
import { type Store, useStore } from "../../state/store";
import { changeToLimits, nearerEnd, withEnd } from "./ends";

/**
 * The span on the x axis: everything in the window's scope, unless it was zoomed. One value alone
 * stands away from the edges: zero in the middle.
 */
function fitted(selected: Selected): Span {
  const { table, source } = selected.shown;
  const full = table.full(selected.position);
  if (selected.only === 0) return symmetric(full);
  if (selected.only !== null) return zoomed(full, full.lo / 2 + full.hi / 2, 1.5);
  if (selected.shown.range === "channel") return full;
  const { min, max } = source.extentOfAll();
  return min < max ? { lo: Math.min(min, full.lo), hi: Math.max(max, full.hi) } : full;
}

function zoomed(span: Span, about: number, factor: number): Span {
  return { lo: about - (about - span.lo) * factor, hi: about + (span.hi - about) * factor };
}

/** Keeps the last answer while a new one says the same, so that nothing is counted twice. */
function useKept<T extends object>(read: () => T | null) {
  const last = useRef<T | null>(null);
  return useComputed(() => {
    const found = read();
    const kept = last.current;
    if (found && kept && Object.entries(found).every(([key, of]) => kept[key as keyof T] === of)) {
      return kept;
    }
    last.current = found;
    return found;
  });
}

/** What the counts are of. */
interface Subject {
  readonly source: TileSource;
  readonly other: TileSource | null;
  readonly order: readonly number[];
  readonly position: number;
  readonly span: Span;
}

export function Histogram() {
  const store = useStore();
  const selected = useSelected(store);
  const canvas = useRef<HTMLCanvasElement>(null);
  const bar = useRef<HTMLDivElement>(null);
  const width = useSignal(264);
  const zoom = store.axis;
  const counted = useSignal<Counted | null>(null);
  const span = useKept(() => zoom.value ?? (selected.value && fitted(selected.value)));
  const subject = useKept<Subject>(() => {
    const shown = store.shown.value;
    return shown && span.value
      ? {
          source: shown.source,
          other: shown.other?.source ?? null,
          order: store.order.value,
          position: selected.value?.position ?? 0,
          span: span.value,
        }
      : null;
  });
  useCounting(store, subject, counted);
  useWidth(canvas, width);
  useSignalEffect(() => {
    void store.dark.value;
    const at = selected.value;
    if (!canvas.current || !at || !span.value) return;
    paintHistogram(canvas.current, {
      width: width.value,
      span: span.value,
      limits: at.named,
      only: at.only,
      counted: counted.value,
      linear: store.window.value.linearCounts,
    });
    if (bar.current) placeBar(bar.current, at, span.value, width.value);
  });
  const press = (event: PointerEvent) => dragEnds(store, event, selected, span, width.value);
  const wheel = (event: WheelEvent) => {
    if (!event.ctrlKey || !span.value) return;
    event.preventDefault();
    const x = event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;
    const about = toValue(x, span.value, width.value);
    zoom.value = zoomed(span.value, about, Math.exp(event.deltaY / 200));
  };
  const fit = () => {
    zoom.value = null;
  };
  return (
    <div class="histogram">
      <canvas
        ref={canvas}
        role="img"
        aria-label="Histogram of the values shown"
        title="Click or drag moves the nearer end, shift-drag both; Ctrl-wheel zooms, double-click fits"
        onPointerDown={press}
        onWheel={wheel}
        onDblClick={fit}
      />
      <div class="colour-bar" ref={bar} />
    </div>
  );
}

/** Counts once the picture is painted that the counts are of. */
function useCounting(
  store: Store,
  subject: { readonly value: Subject | null },
  counted: { value: Counted | null },
): void {
  useSignalEffect(() => {
    if (!subject.value) return;
    const { source, other, order, position, span } = subject.value;
    const timer = setTimeout(() => {
      const some = order.length > 0 && order.length < source.stack.planes ? order : null;
      const at = store.shown.peek()?.other ?? null;
      counted.value = {
        all: histogramOf(source, span, BINS, some),
        selected: planesOf(position).map((plane) => histogramOf(source, span, BINS, [plane])),
        other: other
          ? otherPlanes(at, position).map((plane) => histogramOf(other, span, BINS, [plane]))
          : [],
      };
    }, 30);
    return () => clearTimeout(timer);
  });
}

/** The planes of the other side that a position stands for, as far as it has them. */
function otherPlanes(other: Selected["shown"]["other"], position: number): readonly number[] {
  return planesOf(position).flatMap((plane) => other?.at(plane) ?? []);
}

function useWidth(
  canvas: { readonly current: HTMLCanvasElement | null },
  width: { value: number },
): void {
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) width.value = element.clientWidth;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [canvas, width]);
}

function dragEnds(
  store: Store,
  press: PointerEvent,
  selected: { peek(): Selected | null },
  span: { peek(): Span | null },
  width: number,
): void {
  const start = selected.peek();
  const axis = span.peek();
  if (press.button !== 0 || !start || !axis) return;
  press.preventDefault();
  const element = press.currentTarget as HTMLElement;
  const left = element.getBoundingClientRect().left;
  const before = store.window.peek();
  const pressed = toValue(press.clientX - left, axis, width);
  const end = nearerEnd(start.named, pressed);
  element.setPointerCapture(press.pointerId);
  const move = (event: PointerEvent): void => {
    const value = toValue(event.clientX - left, axis, width);
    const signed = start.shown.signed && !press.shiftKey && value !== 0;
    const limits = signed
      ? symmetric({ lo: value, hi: value })
      : press.shiftKey
        ? shifted(start.named, value - pressed, event.clientY - press.clientY)
        : withEnd(start.named, end, value);
    setWindow(store, changeToLimits(before, start, limits));
  };
  const finish = (): void => {
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", finish);
    element.removeEventListener("pointercancel", finish);
  };
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", finish);
  element.addEventListener("pointercancel", finish);
  if (!press.shiftKey) move(press);
}

/** Sideways moves both ends, up narrows the window: 64 px halve it. */
function shifted(limits: Span, by: number, dy: number): Span {
  const half = ((limits.hi - limits.lo) / 2) * 2 ** (dy / 64);
  const centre = limits.lo / 2 + limits.hi / 2 + by;
  return { lo: centre - half, hi: centre + half };
}

/** The gradient between the ends, their colours beyond them. */
function placeBar(element: HTMLElement, at: Selected, span: Span, width: number): void {
  const { lut } = at.shown;
  const { lo, hi } = at.named;
  if (lo === hi) {
    const stored = lo / at.shown.source.stack.scale;
    element.style.background = colorOf(lut, entryOf(stored, at.affine));
    return;
  }
  const [left, right] = [toX(lo, span, width), toX(hi, span, width)];
  const middle = (left + right) / 2;
  // The axis is of values, not of their logarithms.
  const { scale } = at.shown.source.stack;
  const entryAt = (share: number) => entryOf((lo + share * (hi - lo)) / scale, at.affine);
  const beyond = `${colorOf(lut, BELOW_ENTRY)} ${middle}px, ${colorOf(lut, ABOVE_ENTRY)} ${middle}px`;
  element.style.background = [
    `${cssGradient(lut, at.limits.log ? entryAt : undefined)} ${left}px 0 / ${Math.max(1, right - left)}px 100% no-repeat`,
    `linear-gradient(to right, ${beyond})`,
  ].join(", ");
}
