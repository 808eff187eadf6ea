/**
 * Layers without pictures: a matrix of positions (or examples) by channels, wrapped into bands.
 *
 * Each column is a cell of the same grid as a tile is elsewhere, with the same selection and keys.
 */
import { type ReadonlySignal, useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { LayerView } from "../../data/answers";
import { channelId } from "../../data/channels";
import { isDense } from "../../data/view";
import { numberBand, paintBand } from "../../render/paintBand";
import { sourceOf, type TileSource } from "../../render/planes";
import { markPixel, resetWindow, selectChannel, setHover } from "../../state/actions";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { startWindowDrag } from "../values/windowDrag";
import { describeCell, setText } from "./cell";
import { cellMark } from "./marks";
import {
  CAPTION,
  countWords,
  LABELS,
  type MatrixLayout,
  matrixLayout,
  NUMBERED,
  visibleBands,
} from "./matrixLayout";
import { MARGIN, roomOf, Shell, useWell } from "./Well";

export function Matrix() {
  const store = useStore();
  const well = useWell();
  const { area, top } = well;
  const layout = useComputed(() => layoutFor(store, area.value));
  const l = layout.value;
  const pointer = usePointer(store, layout);
  usePaint(() => {
    store.tileWidth.value = layout.value?.cell ?? 0;
  }, [layout]);
  const [from, to] = l ? visibleBands(l, top.value - MARGIN, area.value.height) : [0, 0];
  return (
    <Shell
      well={well}
      kind="matrix"
      cells={l && { ...l, rows: l.bands }}
      grid={pointer}
      moveMark={moveRow}
    >
      {l &&
        Array.from({ length: to - from }, (_, i) => from + i).map((band) => (
          <Band key={band} band={band} layout={l} />
        ))}
    </Shell>
  );
}

function layoutFor(store: Store, area: { width: number; height: number }): MatrixLayout | null {
  const view = store.view.value;
  if (!view || area.width === 0) return null;
  return matrixLayout({
    positions: view.planeSize,
    count: store.order.value.length,
    area: roomOf(area),
    wished: store.tileSize.value,
    parts: besideOf(store) ? 2 : 1,
  });
}

/** The second view while it is compared side by side, where it has the same shape. */
function besideOf(store: Store): TileSource | null {
  const view = store.view.value;
  const other = store.other.value;
  if (store.compare.value?.mode !== "beside" || !view || !other) return null;
  const same = other.planeSize === view.planeSize && other.channels === view.channels;
  return same ? sourceOf(other) : null;
}

function Band({ band, layout }: { band: number; layout: MatrixLayout }) {
  const store = useStore();
  const element = useRef<HTMLDivElement>(null);
  const { cell, columns, rows, height, pitch } = layout;
  const cells = Math.max(0, Math.min(columns, layout.count - band * columns));
  usePaint(() => paint(store, element.current, band, layout), [store, band, layout]);
  usePaint(() => writeBand(store, element.current, band, layout), [store, band, layout]);
  usePaint(() => placeMark(store, element.current, layout), [store, layout]);
  const size = `width:${cells * cell}px;height:${height}px`;
  return (
    <div
      ref={element}
      class="gridrow band"
      role="row"
      aria-rowindex={band + 1}
      style={`top:${band * pitch}px;height:${pitch}px;width:${LABELS + cells * cell}px`}
    >
      <RowLabels layout={layout} />
      <canvas class="cells" aria-hidden="true" style={`left:${LABELS}px;${size}`} />
      {cell >= NUMBERED && (
        <canvas class="numbers" aria-hidden="true" style={`left:${LABELS}px;${size}`} />
      )}
      {Array.from({ length: cells }, (_, column) => (
        <div
          key={column}
          role="gridcell"
          aria-colindex={column + 1}
          data-index={band * columns + column}
          style={`left:${LABELS + column * cell}px;width:${cell}px;height:${height}px`}
        >
          <div class="frame" style={`height:${height}px`} />
          <div class="caption" style={`top:${height + 3}px`} />
          {layout.words !== "counted" && (
            <div
              class={`word ${layout.words}`}
              aria-hidden="true"
              style={`top:${height + CAPTION}px`}
            />
          )}
        </div>
      ))}
      {layout.words === "counted" && (
        <div
          class="counted"
          aria-hidden="true"
          style={`left:${LABELS}px;top:${height + CAPTION}px`}
        />
      )}
      <i class="rowmark" style={`left:${LABELS}px;width:${cells * cell}px`} data-rows={rows} />
    </div>
  );
}

/** Positions, or the examples with the shown one marked, as far as there is room for labels. */
function RowLabels({ layout }: { layout: MatrixLayout }) {
  const store = useStore();
  const view = store.view.value;
  if (!view) return null;
  const labels = Array.from({ length: Math.ceil(layout.rows / layout.rowLabels) }, (_, i) => {
    const row = i * layout.rowLabels;
    return {
      row,
      text: rowName(view, row * layout.reduce, store.input.value?.info.labels ?? null),
    };
  });
  return (
    <div class="rowlabels" aria-hidden="true">
      {Array.from({ length: layout.parts }, (_, part) =>
        labels.map(({ row, text }) => (
          <span
            key={`${part} ${row}`}
            class={isDense(view.info) && row === view.example ? "shown" : ""}
            style={`top:${(part * (layout.rows + 1) + row + 0.5) * layout.cell - 7}px`}
          >
            {text}
          </span>
        )),
      )}
    </div>
  );
}

/** What a row is: a position, or an example with its label. */
export function rowName(view: LayerView, row: number, labels: readonly string[] | null): string {
  if (!isDense(view.info)) return String(row);
  const label = view.info.labels?.[row] ?? labels?.[row];
  const id = view.info.examples[row] ?? row;
  return label ? `${id} “${label}”` : String(id);
}

function shownIn(store: Store, band: number, layout: MatrixLayout) {
  const shown = store.shown.value;
  const order = store.order.value;
  const from = band * layout.columns;
  const positions = order.slice(from, from + layout.columns);
  return { shown, positions };
}

function paint(
  store: Store,
  element: HTMLElement | null,
  band: number,
  layout: MatrixLayout,
): void {
  const { shown, positions } = shownIn(store, band, layout);
  const canvas = element?.querySelector<HTMLCanvasElement>("canvas.cells");
  if (!shown || !canvas || positions.length === 0) return;
  const beside = layout.parts > 1 ? besideOf(store) : null;
  const pair = store.flipped.value ? [beside, shown.source] : [shown.source, beside];
  const picture = { shown, positions, sources: beside ? pair : [shown.source] };
  paintBand(canvas, picture, layout);
  const numbers = element?.querySelector<HTMLCanvasElement>("canvas.numbers");
  if (numbers) numberBand(numbers, picture, layout);
}

/** Names, states and the ids that fit under the columns. */
function writeBand(
  store: Store,
  element: HTMLElement | null,
  band: number,
  layout: MatrixLayout,
): void {
  const { shown, positions } = shownIn(store, band, layout);
  const view = store.view.value;
  const stats = store.statsAt.value;
  const selected = store.channel.value;
  if (!view || !shown || !element) return;
  const words: string[] = [];
  element.querySelectorAll<HTMLElement>(":scope > [role=gridcell]").forEach((cell, i) => {
    const position = positions[i];
    if (position === undefined || position >= shown.source.stack.planes) return;
    const mark = cellMark(shown.source, stats, view.info, position);
    const id = channelId(view.info, position);
    describeCell(cell, { id, mark, selected: position === selected });
    const [, caption, word] = cell.children as unknown as HTMLElement[];
    const labelled = i % layout.columnLabels === 0;
    setText(caption!, labelled ? String(id) : "");
    if (word) setText(word, mark.word);
    words.push(mark.word);
  });
  const counted = element.querySelector<HTMLElement>(":scope > .counted");
  if (counted) writeCounts(counted, words, layout.cell);
}

/** Under columns too narrow for a word: how many of a stretch have which. */
function writeCounts(element: HTMLElement, words: readonly string[], cell: number): void {
  const counts = countWords(words, cell);
  const said = JSON.stringify(counts);
  if (element.dataset.said === said) return;
  element.dataset.said = said;
  element.replaceChildren(
    ...counts.map(({ column, text }) => {
      const span = document.createElement("span");
      span.style.left = `${column * cell}px`;
      span.textContent = text;
      return span;
    }),
  );
}

/** The row under the cursor (or marked), through every channel. */
function placeMark(store: Store, element: HTMLElement | null, layout: MatrixLayout): void {
  const pixel = store.hover.value?.pixel ?? store.pixel.value;
  const mark = element?.querySelector<HTMLElement>(".rowmark");
  if (!mark) return;
  const row = pixel ? Math.floor(pixel.x / layout.reduce) : -1;
  mark.hidden = row < 0 || row >= layout.rows;
  mark.style.top = `${row * layout.cell}px`;
  mark.style.height = `${layout.cell}px`;
}

interface Place {
  readonly position: number;
  readonly x: number;
}

function placeOf(store: Store, event: MouseEvent, layout: MatrixLayout | null): Place | null {
  const cell = (event.target as Element).closest<HTMLElement>("[role=gridcell]");
  const position = cell && store.order.peek()[Number(cell.dataset.index)];
  if (!layout || !cell || position === null || position === undefined) return null;
  const row = Math.floor((event.clientY - cell.getBoundingClientRect().top) / layout.cell);
  const last = (store.view.peek()?.planeSize ?? 1) - 1;
  const within = row % (layout.rows + 1);
  return { position, x: Math.min(last, Math.max(0, within) * layout.reduce) };
}

function usePointer(store: Store, layout: ReadonlySignal<MatrixLayout | null>) {
  const dragged = useRef(false);
  return {
    onPointerDown(event: PointerEvent) {
      dragged.current = false;
      if (!placeOf(store, event, layout.peek())) return;
      startWindowDrag(store, event.currentTarget as HTMLElement, event, () => {
        dragged.current = true;
      });
    },
    onPointerMove(event: PointerEvent) {
      const place = event.buttons === 0 ? placeOf(store, event, layout.peek()) : null;
      const before = store.hover.peek();
      if (!place) {
        if (before) setHover(store, null);
      } else if (before?.position !== place.position || before.pixel.x !== place.x) {
        const pixel = { x: place.x, y: 0, z: 0 };
        setHover(store, { position: place.position, pixel, byKeyboard: false });
      }
    },
    onPointerLeave() {
      setHover(store, null);
    },
    onClick(event: MouseEvent) {
      const place = placeOf(store, event, layout.peek());
      if (dragged.current || !place) return;
      selectChannel(store, place.position);
      markPixel(store, { x: place.x, y: 0, z: 0 });
    },
    onDblClick() {
      resetWindow(store);
    },
  };
}

/** Up and down move the marked row. */
function moveRow(key: string, store: Store): boolean {
  const by = { ArrowUp: -1, ArrowDown: 1 }[key];
  const view = store.view.peek();
  const position = store.channel.peek();
  if (by === undefined || !view || position === null) return false;
  const from = store.pixel.peek()?.x ?? 0;
  const pixel = { x: Math.min(view.planeSize - 1, Math.max(0, from + by)), y: 0, z: 0 };
  markPixel(store, pixel);
  setHover(store, { position, pixel, byKeyboard: true });
  return true;
}
