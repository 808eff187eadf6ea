/**
 * One band of a matrix. One effect paints its cells, one writes ids and words, one places the mark of
 * the row; its component renders only the empty cells.
 */
import { useRef } from "preact/hooks";
import { channelId, nameOf } from "../../data/channels";
import { isDense } from "../../data/view";
import { numberBand, paintBand } from "../../render/paintBand";
import type { TileSource } from "../../render/planes";
import { usePaint } from "../../state/paint";
import { isPinned } from "../../state/pins";
import { labelsShown, type Store, useStore } from "../../state/store";
import { zeroInCell } from "../../state/stored";
import { describeCell, PIN, setText } from "./cell";
import { cellMark } from "./marks";
import { CAPTION, countWords, type MatrixLayout, NUMBERED } from "./matrixLayout";
import { rowName } from "./rowName";

export function Band({ band, layout }: { band: number; layout: MatrixLayout }) {
  const store = useStore();
  const element = useRef<HTMLDivElement>(null);
  const { cell, columns, rows, height, pitch, labels } = layout;
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
      style={`top:${band * pitch}px;height:${pitch}px;width:${labels + cells * cell}px`}
    >
      <RowLabels layout={layout} />
      <canvas class="cells" aria-hidden="true" style={`left:${labels}px;${size}`} />
      {cell >= NUMBERED && (
        <canvas class="numbers" aria-hidden="true" style={`left:${labels}px;${size}`} />
      )}
      {Array.from({ length: cells }, (_, column) => (
        <div
          key={column}
          role="gridcell"
          aria-colindex={column + 1}
          data-index={band * columns + column}
          style={`left:${labels + column * cell}px;width:${cell}px;height:${height}px`}
        >
          <div class="frame" style={`height:${height}px`} />
          <div class="caption" style={`top:${height + 3}px`} />
        </div>
      ))}
      {layout.words !== "counted" &&
        Array.from({ length: cells }, (_, column) => (
          <div
            key={`word ${column}`}
            class={`word ${layout.words}`}
            aria-hidden="true"
            style={`left:${labels + (column + 0.5) * cell}px;top:${height + CAPTION}px`}
          />
        ))}
      {layout.words === "counted" && (
        <div
          class="counted"
          aria-hidden="true"
          style={`left:${labels}px;top:${height + CAPTION}px`}
        />
      )}
      <i class="rowmark" style={`left:${labels}px;width:${cells * cell}px`} data-rows={rows} />
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
      text: rowName(view, row * layout.reduce, labelsShown(store)),
    };
  });
  return (
    <div class="rowlabels" aria-hidden="true" style={`width:${layout.labels - 8}px`}>
      {Array.from({ length: layout.parts }, (_, part) =>
        labels.map(({ row, text }) => (
          <span
            key={`${part} ${row}`}
            class={isDense(view.info) && row === view.example ? "shown" : ""}
            style={`top:${(part * (layout.rows + 1) + row + 0.5) * layout.cell - 7}px`}
            title={text}
          >
            {text}
          </span>
        )),
      )}
    </div>
  );
}

/** The second view while it is compared side by side, where it has the same shape. */
export function besideOf(store: Store): TileSource | null {
  const other = store.shown.value?.other;
  return (store.compare.value?.mode === "beside" && other?.source) || null;
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
  const zero = (position: number, source: TileSource) =>
    zeroInCell(store, position, source === shown.source ? "shown" : "other");
  const picture = { shown, positions, sources: beside ? pair : [shown.source], zero };
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
  const written = element.querySelectorAll<HTMLElement>(":scope > .word");
  element.querySelectorAll<HTMLElement>(":scope > [role=gridcell]").forEach((cell, i) => {
    const position = positions[i];
    if (position === undefined || position >= shown.source.stack.planes) return;
    const mark = cellMark(shown.source, stats, view, position);
    const id = channelId(view.info, position);
    const pinned = isPinned(store.pins.value, view, position);
    describeCell(cell, { name: nameOf(id), mark, selected: position === selected, pinned });
    const [, caption] = cell.children as unknown as HTMLElement[];
    const labelled = i % layout.columnLabels === 0;
    setText(caption!, `${pinned ? PIN : ""}${labelled ? id : ""}`);
    const word = written[i];
    if (word) {
      setText(word, mark.word);
      word.classList.toggle("nonfinite", mark.kind === "nonfinite");
    }
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
