/** The line between the left column and the rest, to drag. The width that was chosen is kept. */
import { type Signal, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { keep, kept } from "../host/kept";

const NAME = "left";
const NARROWEST = 200;
const WIDEST = 640;
const STEP = 16;

/** The width chosen before; null: that of the window's size. */
export function keptWidth(): number | null {
  const width = Number(kept(NAME));
  return width >= NARROWEST && width <= WIDEST ? width : null;
}

export function Divider({ chosen }: { readonly chosen: Signal<number | null> }) {
  const line = useRef<HTMLDivElement>(null);
  const now = useSignal(NARROWEST);
  useLayoutEffect(() => {
    const column = line.current!.parentElement!.querySelector<HTMLElement>(".left")!;
    const read = () => {
      if (column.offsetWidth > 0) now.value = column.offsetWidth;
    };
    const observer = new ResizeObserver(read);
    observer.observe(column);
    read();
    return () => observer.disconnect();
  }, [now]);
  const choose = (width: number | null) => {
    chosen.value = width && Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)));
    keep(NAME, chosen.value === null ? null : String(chosen.value));
  };
  const keyed = (event: KeyboardEvent) => {
    const widths: Record<string, number | null> = {
      ArrowLeft: now.peek() - STEP,
      ArrowRight: now.peek() + STEP,
      Home: NARROWEST,
      End: WIDEST,
      Enter: null,
    };
    const width = widths[event.key];
    if (width === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    choose(width);
  };
  return (
    <div
      ref={line}
      class="divider"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Width of the left column"
      aria-valuenow={now.value}
      aria-valuemin={NARROWEST}
      aria-valuemax={WIDEST}
      title="Drag; double click for the usual width"
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) choose(event.clientX);
      }}
      onDblClick={() => choose(null)}
      onKeyDown={keyed}
    />
  );
}
