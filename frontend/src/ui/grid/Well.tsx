/**
 * What tiles and matrices share: the well that scrolls, its size and the rows of it in sight, and the
 * keys that move among its cells.
 */
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren, HTMLAttributes, TargetedKeyboardEvent } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { selectChannel, setTriage } from "../../state/actions";
import { type Store, useStore } from "../../state/store";
import { Button } from "../controls";
import { movedTo } from "./keys";
import { watchSize } from "./watchSize";

/** Around the cells. */
export const MARGIN = 12;

/** What scrolls: its element, the size of it and how far it is. */
interface Scrolled {
  readonly scroll: { readonly current: HTMLDivElement | null };
  readonly area: Signal<{ width: number; height: number }>;
  /** How far it is scrolled down. */
  readonly top: Signal<number>;
}

export function useWell(): Scrolled {
  const scroll = useRef<HTMLDivElement>(null);
  const area = useSignal({ width: 0, height: 0 });
  const top = useSignal(0);
  useLayoutEffect(() => watchSize(scroll.current!, area), [area]);
  return { scroll, area, top };
}

/** The room for cells. */
export function roomOf({ width, height }: { width: number; height: number }) {
  return { width: width - 2 * MARGIN, height: height - 2 * MARGIN };
}

interface Cells {
  readonly rows: number;
  readonly columns: number;
  readonly count: number;
  /** From one row to the next. */
  readonly pitch: number;
}

interface WellProps {
  readonly well: Scrolled;
  /** Null until there is something to lay out. */
  readonly cells: Cells | null;
  readonly kind?: string;
  /** Attributes and listeners of what scrolls. */
  readonly grid: HTMLAttributes<HTMLDivElement>;
  readonly moveMark: (key: string, store: Store) => boolean;
  readonly children: ComponentChildren;
}

export function Well({ well, cells, kind = "", grid, moveMark, children }: WellProps) {
  const store = useStore();
  return (
    <section class={`gridwell ${store.loading.value ? "loading" : ""}`} aria-label="Feature maps">
      <div
        ref={well.scroll}
        class={`gridscroll ${kind}`}
        role="grid"
        aria-label="Channels"
        aria-rowcount={cells?.rows ?? 0}
        aria-colcount={cells?.columns ?? 0}
        aria-busy={store.loading.value}
        onScroll={(event) => {
          well.top.value = event.currentTarget.scrollTop;
        }}
        onKeyDown={(event) => cells && onKey(event, store, cells, moveMark)}
        {...grid}
      >
        <div class="gridinner" style={cells ? `height:${cells.rows * cells.pitch}px` : ""}>
          {children}
        </div>
      </div>
      {cells?.count === 0 && <NothingLeft />}
      <div class="busy" />
    </section>
  );
}

/** Arrows move the focus and with it the selection; with Shift they move the mark. */
function onKey(
  event: TargetedKeyboardEvent<HTMLElement>,
  store: Store,
  { columns, pitch }: Cells,
  moveMark: WellProps["moveMark"],
): void {
  if (event.altKey || event.metaKey) return;
  if (event.shiftKey) {
    if (moveMark(event.key, store)) event.preventDefault();
    return;
  }
  const root = event.currentTarget;
  const positions = store.cells.peek();
  const index = Math.max(0, positions.indexOf(store.channel.peek() ?? Number.NaN));
  const pageRows = Math.max(1, Math.floor(root.clientHeight / pitch));
  const to = movedTo(event.key, index, positions.length, columns, pageRows, event.ctrlKey);
  const position = to === null ? undefined : positions[to];
  if (to === null || position === undefined) return;
  event.preventDefault();
  selectChannel(store, position);
  focusCell(root, to, Math.floor(to / columns) * pitch, pitch);
}

/** Brings a cell into sight, then gives it the focus once its row is there. */
function focusCell(root: HTMLElement, index: number, top: number, pitch: number): void {
  const { scrollTop, clientHeight } = root;
  const bottom = top + pitch + MARGIN;
  if (top < scrollTop || bottom - top > clientHeight) root.scrollTop = top;
  else if (bottom > scrollTop + clientHeight) root.scrollTop = bottom - clientHeight;
  const focus = () => {
    const cell = root.querySelector<HTMLElement>(`[role=gridcell][data-index="${index}"]`);
    cell?.focus({ preventScroll: true });
    return cell !== null;
  };
  if (!focus()) requestAnimationFrame(() => requestAnimationFrame(focus));
}

function NothingLeft() {
  const store = useStore();
  const { show, search } = store.triage.value;
  const what = [show === "all" ? "" : show, search ? `among “${search}”` : ""].filter(Boolean);
  return (
    <div class="message" style="position:absolute;inset:0">
      <strong>No channel {what.join(" ")} at this step</strong>
      <Button label="Show all" onClick={() => setTriage(store, { show: "all", search: "" })} />
    </div>
  );
}
