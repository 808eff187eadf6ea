/**
 * One row of tiles. Two effects write it: one paints the canvas when values or window change, one
 * writes captions and marks when values or cursor do. Its component renders only the empty cells.
 */
import { useRef } from "preact/hooks";
import type { LayerView } from "../../data/answers";
import { channelId, isAttention, nameOf, RGB } from "../../data/channels";
import type { Pixel } from "../../data/choices";
import { isDiverging } from "../../render/colormap";
import { formatValue } from "../../render/format";
import { sourceOf, type TileSource } from "../../render/planes";
import type { Shown } from "../../render/shown";
import { RowStrip } from "../../render/strip";
import { affineOf, type OtherSide } from "../../render/window";
import { addedIn } from "../../state/order";
import { usePaint } from "../../state/paint";
import { type Patches, queryIn } from "../../state/patches";
import { isPinned } from "../../state/pins";
import { type Store, useStore } from "../../state/store";
import { zeroText } from "../../state/stored";
import { describeCell, PIN, setAttribute, setText } from "./cell";
import { lookOver } from "./look";
import { barLength, cellMark } from "./marks";
import { type GridLayout, markRoom } from "./tileLayout";

interface RowProps {
  readonly row: number;
  readonly layout: GridLayout;
  /** Where attention lies over the input. */
  readonly patches: Patches | null;
}

export function Row({ row, layout, patches }: RowProps) {
  const store = useStore();
  const element = useRef<HTMLDivElement>(null);
  const strip = useRef<RowStrip | null>(null);
  const cells = Math.min(layout.columns, layout.count - row * layout.columns);
  usePaint(() => {
    paint(store, strip, element.current, { row, layout, patches });
  }, [row, layout, patches]);
  usePaint(() => write(store, element.current, { row, layout }), [row, layout]);
  const { geometry, pitchX, pitchY } = layout;
  const room = markRoom(layout);
  return (
    <div
      ref={element}
      class="gridrow"
      role="row"
      aria-rowindex={row + 1}
      style={`top:${row * pitchY}px;height:${pitchY}px;width:${layout.columns * pitchX}px`}
    >
      <canvas aria-hidden="true" />
      {Array.from({ length: cells }, (_, column) => (
        <div
          key={column}
          role="gridcell"
          aria-colindex={column + 1}
          data-index={row * layout.columns + column}
          style={`left:${column * pitchX}px;width:${layout.cellWidth}px;height:${pitchY - 4}px`}
        >
          <div class="frame" style={`height:${geometry.tileCssHeight}px`} />
          <div class="bar" style={`top:${layout.barTop}px`} />
        </div>
      ))}
      {Array.from({ length: cells }, (_, column) => (
        // Beside its cell, not in it: the cell's name is "channel N" alone.
        <div
          key={column}
          class="caption"
          aria-hidden="true"
          style={`left:${column * pitchX}px;top:${layout.captionTop}px;width:${layout.cellWidth}px`}
        >
          <span class="id" />
          <span class="mark" />
        </div>
      ))}
      <div
        class="pixelmarks"
        style={`inset:${-room}px auto auto ${-room}px;width:${cells * pitchX}px;height:${geometry.tileCssHeight + 2 * room}px`}
      />
    </div>
  );
}

function paint(
  store: Store,
  strip: { current: RowStrip | null },
  element: HTMLElement | null,
  { row, layout, patches }: RowProps,
): void {
  const shown = store.shown.value;
  const order = store.cells.value;
  const canvas = element?.querySelector("canvas");
  if (!shown || !canvas) return;
  strip.current ??= new RowStrip(canvas);
  const from = row * layout.columns;
  const positions = order.slice(from, from + layout.columns);
  const { parts } = layout;
  const pair = sidesOf(store, shown);
  strip.current.begin(positions.length, layout.geometry, 0, parts);
  positions.forEach((position, i) => {
    const limits = shown.table.limits(position);
    pair.slice(0, parts).forEach((side, part) => {
      const plane = side?.at(position);
      if (!side || plane === undefined || plane >= side.source.stack.planes) return;
      const affine = affineOf(limits, side.source.stack.scale);
      const at = i * parts + part;
      if (patches) {
        const look = { ...patches, query: queryIn(store, patches) };
        lookOver(strip.current!, at, look, {
          ...{ plane, affine, lut: shown.lut, diverging: isDiverging(shown.colormap) },
          ...side,
        });
      } else strip.current?.tile(at, side.source, plane, affine, shown.lut);
    });
  });
  strip.current.end();
}

/** First what stands in the first tile, then in the second; one window holds for both. */
function sidesOf(store: Store, shown: Shown): readonly (OtherSide | null)[] {
  const own = { source: shown.source, at: (plane: number) => plane };
  if (store.compare.value?.mode !== "beside") return [own];
  const pair = [own, shown.other];
  return store.flipped.value && shown.other ? pair.reverse() : pair;
}

function write(
  store: Store,
  element: HTMLElement | null,
  { row, layout }: Pick<RowProps, "row" | "layout">,
): void {
  const view = store.view.value;
  const order = store.cells.value;
  const stats = store.statsAt.value;
  const reach = store.reach.value;
  const selected = store.channel.value;
  const pixel = store.hover.value?.pixel;
  if (!view || !element) return;
  const source = sourceOf(view, store.depth.value);
  // Values under the cursor are those on the screen: a difference, where that is shown.
  const folded = view.kind === "attribution" && !store.isDifference.value;
  const read = pixel && !folded ? (store.shown.value?.source ?? source) : source;
  const sums = addedIn(store);
  const most = Math.max(0, ...(sums?.map(Math.abs) ?? []));
  const from = row * layout.columns;
  const captions = element.querySelectorAll<HTMLElement>(":scope > .caption");
  element.querySelectorAll<HTMLElement>(":scope > [role=gridcell]").forEach((cell, i) => {
    const position = order[from + i];
    if (position === undefined || position >= source.stack.planes) return;
    const mark = cellMark(source, stats, view, position);
    const caption = captions[i]!;
    const [, bar] = cell.children as unknown as [HTMLElement, HTMLElement];
    const [name, word] = caption.children as unknown as [HTMLElement, HTMLElement];
    const called = nameOf(channelId(view.info, position), view);
    const pinned = isPinned(store.pins.value, view, position);
    describeCell(cell, { name: called, mark, selected: position === selected, pinned });
    bar.style.transform = `scaleX(${barLength(source, position, reach)})`;
    const value = pixel && pixelText(read, position, pixel, zeroText(store, position));
    // A value is no name: it is not struck through.
    const kind = value !== undefined && mark.kind === "dead" ? "" : mark.kind;
    setAttribute(caption, "class", `caption ${kind}`);
    const said = tileName(view, position, store.coloured.value);
    setText(name, value ?? (pinned ? `${PIN} ${said}` : said));
    const sum = sums?.[channelId(view.info, position)];
    const added = sum === undefined ? "" : ` ${formatValue(sum, most, 3)}`;
    setText(word, value === undefined ? `${mark.text && ` ${mark.text}`}${added}` : "");
  });
}

/** The number of the channel, and which colour it is where it is one. */
function tileName(view: LayerView, position: number, coloured: boolean): string {
  if (position === RGB) return "RGB";
  if (isAttention(view)) return nameOf(channelId(view.info, position), view);
  return `${channelId(view.info, position)}${coloured ? ` ${"RGB"[position]}` : ""}`;
}

/** The value under the cursor (or the three of a colour), to the digits of its own tile's range. */
function pixelText(source: TileSource, position: number, pixel: Pixel, zero: string): string {
  const { min, max } = source.extent(position);
  const range = Math.max(Math.abs(min), Math.abs(max));
  const values = source.values(position, pixel.x, pixel.y);
  return values
    .map((value) => formatValue(value, range, source.digits(values.length > 1 ? 3 : 4), zero))
    .join(" ");
}
