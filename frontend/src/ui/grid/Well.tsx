/**
 * What tiles and matrices share: the well that scrolls, its size and the rows of it in sight, and the
 * keys that move among its cells.
 */
import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren, HTMLAttributes, TargetedKeyboardEvent } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { LayerView } from "../../data/answers";
import { selectChannel, setTriage } from "../../state/actions";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { Button } from "../controls";
import { inSight } from "./inSight";
import { movedTo } from "./keys";
import { watchSize } from "./watchSize";

/** Around the cells. */
const MARGIN = 12;

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

/** The room for cells, and the width that was wished for one; null: chosen to fit. */
interface Room {
  readonly area: { readonly width: number; readonly height: number };
  readonly wished: number | null;
}

interface Cells {
  readonly rows: number;
  readonly columns: number;
  readonly count: number;
  /** From one row to the next. */
  readonly pitch: number;
  /** Their size as the slider `Tile size` has it. */
  readonly tile: number;
  /** How many a figure has side by side, or how wide it is; else the columns. */
  readonly across?: number;
}

/** What is laid out in the well as soon as there is something to show, and the rows of it in sight. */
export function useCells<L>(
  { area, top }: Scrolled,
  lay: (view: LayerView, room: Room) => L | null,
  cellsOf: (layout: L) => Cells,
): { layout: ReadonlySignal<L | null>; cells: Cells | null; rows: readonly number[] } {
  const store = useStore();
  const layout = useComputed(() => {
    const { width, height } = area.value;
    if (!store.view.value || width === 0) return null;
    const room = { width: width - 2 * MARGIN, height: height - 2 * MARGIN };
    return lay(store.view.value, { area: room, wished: store.tileSize.value });
  });
  const cells = useComputed(() => layout.value && cellsOf(layout.value));
  // As a text, so that what is scrolled by less than a row renders nothing.
  const range = useComputed(() =>
    cells.value ? inSight(cells.value, top.value - MARGIN, area.value.height).join() : "0,0",
  );
  usePaint(() => {
    const { tile = 0, columns = 0, across = columns } = cells.value ?? {};
    store.tileWidth.value = tile;
    store.tileColumns.value = across;
  });
  const [from = 0, to = 0] = range.value.split(",").map(Number);
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  return { layout, cells: cells.value, rows };
}

/** What the keys move among, and which it is. */
interface Picks {
  readonly count: number;
  readonly index: number;
  readonly select: (to: number) => void;
  /** In which row it is. */
  readonly rowOf: (index: number) => number;
}

interface WellProps {
  readonly well: Scrolled;
  /** Null until there is something to lay out. */
  readonly cells: Cells | null;
  readonly kind?: string;
  /** How the grid is called. */
  readonly label?: string;
  readonly picks?: (store: Store) => Picks;
  /** Attributes and listeners of what scrolls. */
  readonly grid: HTMLAttributes<HTMLDivElement>;
  readonly moveMark: (key: string, store: Store) => boolean;
  /** What stands over the cells and does not scroll. */
  readonly above?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Well(props: WellProps) {
  const { well, cells, kind = "", label = "Channels", grid, moveMark, children } = props;
  const store = useStore();
  return (
    <section class={`gridwell ${store.loading.value ? "loading" : ""}`} aria-label="Feature maps">
      {props.above}
      <div
        ref={well.scroll}
        class={`gridscroll ${kind}`}
        role="grid"
        aria-label={label}
        aria-rowcount={cells?.rows ?? 0}
        aria-colcount={cells?.columns ?? 0}
        aria-busy={store.loading.value}
        onScroll={(event) => {
          well.top.value = event.currentTarget.scrollTop;
        }}
        onKeyDown={(event) => {
          if (cells) onKey(event, store, cells, moveMark, props.picks?.(store));
        }}
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

/** The channels in order. */
function channelsOf(store: Store, columns: number): Picks {
  const positions = store.cells.peek();
  return {
    count: positions.length,
    index: Math.max(0, positions.indexOf(store.channel.peek() ?? Number.NaN)),
    select: (to) => selectChannel(store, positions[to]!),
    rowOf: (index) => Math.floor(index / columns),
  };
}

/** Arrows move the focus and with it the selection; with Shift they move the mark. */
function onKey(
  event: TargetedKeyboardEvent<HTMLElement>,
  store: Store,
  { columns, pitch }: Cells,
  moveMark: WellProps["moveMark"],
  picks = channelsOf(store, columns),
): void {
  if (event.altKey || event.metaKey) return;
  if (event.shiftKey) {
    if (moveMark(event.key, store)) event.preventDefault();
    return;
  }
  const root = event.currentTarget;
  const { count, index, select, rowOf } = picks;
  const pageRows = Math.max(1, Math.floor(root.clientHeight / pitch));
  const to = movedTo(event.key, index, count, columns, pageRows, event.ctrlKey);
  if (to === null || to < 0 || count === 0) return;
  event.preventDefault();
  select(to);
  focusCell(root, to, rowOf(to) * pitch, pitch);
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
  const kind = show === "all" ? "" : `is ${show.replace("nonf", "non-f")}`;
  const what = [kind, search ? `among “${search}”` : ""].filter(Boolean);
  return (
    <div class="message" style="position:absolute;inset:0">
      <strong>No channel {what.join(" ")} at this step</strong>
      <Button label="Show all" onClick={() => setTriage(store, { show: "all", search: "" })} />
    </div>
  );
}
