/** One channel of a signal: its line, or its values as colours, with its id and its state before it. */
import { useRef } from "preact/hooks";
import { channelId, nameOf } from "../../data/channels";
import { formatValue } from "../../render/format";
import { inkOf } from "../../render/lines";
import type { TileSource } from "../../render/planes";
import { drawRow, sidesOf, startCanvas } from "../../render/signalRow";
import { usePaint } from "../../state/paint";
import { isPinned } from "../../state/pins";
import { type Store, useStore } from "../../state/store";
import { zeroInCell, zeroText } from "../../state/stored";
import { besideOf } from "./Band";
import { describeCell, PIN, setAttribute, setText } from "./cell";
import { cellMark } from "./marks";
import { LABELS } from "./matrixLayout";
import type { SignalLayout } from "./signalLayout";
import { stretchOf } from "./stretch";

interface RowProps {
  readonly row: number;
  readonly layout: SignalLayout;
}

export function SignalRow({ row, layout }: RowProps) {
  const store = useStore();
  const element = useRef<HTMLDivElement>(null);
  const { parts, width, height, pitch } = layout;
  usePaint(() => {
    const canvas = element.current?.querySelector("canvas") ?? null;
    drawChannel(store, canvas, store.order.value[row], layout);
  }, [row, layout]);
  usePaint(() => write(store, element.current, row), [row, layout]);
  return (
    <div
      ref={element}
      class="gridrow"
      role="row"
      aria-rowindex={row + 1}
      style={`top:${row * pitch}px;height:${pitch}px;width:${LABELS + width}px`}
    >
      <canvas aria-hidden="true" style={`left:${LABELS}px`} />
      <div
        role="gridcell"
        aria-colindex={1}
        data-index={row}
        style={`left:${LABELS}px;width:${width}px;height:${height * parts}px`}
      >
        <div class="frame" style={`height:${height * parts}px`} />
      </div>
      <div
        class="caption"
        aria-hidden="true"
        style={`top:${(height * parts) / 2 - 7}px;width:${LABELS - 6}px`}
      >
        <span class="id" />
        <span class="mark" />
      </div>
    </div>
  );
}

/** Draws a channel as it is shown, with what it is compared with, on a canvas of its own. */
export function drawChannel(
  store: Store,
  canvas: HTMLCanvasElement | null,
  position: number | undefined,
  size: Pick<SignalLayout, "lines" | "width" | "height" | "reduce" | "cell" | "parts">,
): void {
  const shown = store.shown.value;
  if (!shown || !canvas || position === undefined) return;
  void store.dark.value;
  const context = startCanvas(canvas, { width: size.width, height: size.height * size.parts });
  const sides = sidesOf(shown, besideOf(store), position);
  const zero = (source: TileSource) =>
    zeroInCell(store, position, source === shown.source ? "shown" : "other");
  if (!context) return;
  const row = {
    shown,
    zero,
    limits: shown.table.limits(position),
    sides: store.flipped.value ? sides.reverse() : sides,
    ink: inkOf(canvas),
    part: stretchOf(store),
  };
  drawRow(context, row, size);
}

/** The id of the channel and what ails it, or its value at the position under the cursor. */
function write(store: Store, element: HTMLElement | null, row: number): void {
  const [view, shown, position] = [store.view.value, store.shown.value, store.order.value[row]];
  if (!view || !shown || !element || position === undefined) return;
  const { source } = shown;
  if (position >= source.stack.planes) return;
  const mark = cellMark(source, store.statsAt.value, view, position);
  const id = channelId(view.info, position);
  const caption = element.querySelector<HTMLElement>(".caption")!;
  const cell = element.querySelector<HTMLElement>("[role=gridcell]")!;
  const pinned = isPinned(store.pins.value, view, position);
  describeCell(cell, {
    name: nameOf(id),
    mark,
    selected: position === store.channel.value,
    pinned,
  });
  setAttribute(caption, "class", `caption ${mark.kind}`);
  const x = store.hover.value?.pixel.x;
  const { lo, hi } = shown.table.limits(position);
  const reach = Math.max(Math.abs(lo), Math.abs(hi));
  const value =
    x === undefined
      ? null
      : formatValue(
          source.value(position, x, 0),
          reach,
          source.digits(4),
          zeroText(store, position),
        );
  const [name, word] = caption.children as unknown as [HTMLElement, HTMLElement];
  setText(name, value ?? `${pinned ? PIN : ""}${id}`);
  setText(word, value === null && mark.word ? ` ${mark.word}` : "");
}
