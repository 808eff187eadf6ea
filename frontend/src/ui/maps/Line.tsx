/** The maps of one example: one canvas for them, cells and captions over it, the input before it. */
import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatValue } from "../../render/format";
import { paintOver } from "../../render/overlay";
import { paintPlane, RowStrip } from "../../render/strip";
import { affineOf } from "../../render/window";
import type { MapRow } from "../../state/attributed";
import { captionOf, exampleText, valueShown } from "../../state/caption";
import { methodText, valueText } from "../../state/mapText";
import { overOf } from "../../state/over";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { setAttribute, setText } from "../grid/cell";
import { inputPicture, painted } from "../inspector/picture";
import { CAPTION, type MapGroup, type MapLayout } from "./mapLayout";

/** Room for "score -9.83, < 0.1 %". */
const ROOMY = 130;

interface LineProps {
  readonly line: number;
  readonly layout: MapLayout;
}

export function Line({ line, layout }: LineProps) {
  const { pitchY, width } = layout;
  return (
    <div
      class="gridrow mapline"
      role="row"
      aria-rowindex={line + 1}
      style={`top:${line * pitchY}px;height:${pitchY}px;width:${width}px`}
    >
      {layout.lines[line]!.map((group) => (
        <Group key={group.index} group={group} layout={layout} />
      ))}
    </div>
  );
}

interface GroupProps {
  readonly group: MapGroup;
  readonly layout: MapLayout;
}

function Group({ group, layout }: GroupProps) {
  const store = useStore();
  const element = useRef<HTMLDivElement>(null);
  const strip = useRef<RowStrip | null>(null);
  const cells = Array.from({ length: group.to - group.from }, (_, i) => i);
  usePaint(() => paint(store, strip, element.current, { group, layout }), [group, layout]);
  usePaint(() => write(store, element.current, { group, layout }), [group, layout]);
  usePaint(() => mark(store, element.current, layout), [group, layout]);
  const { geometry, pitchX, pitchY, inputWidth, cellWidth } = layout;
  const height = geometry.tileCssHeight;
  const left = (i: number) => inputWidth + i * pitchX;
  return (
    <div
      ref={element}
      class="mapgroup"
      role="presentation"
      style={`left:${group.left}px;width:${left(layout.columns)}px`}
    >
      {inputWidth > 0 && group.from === 0 && <Input row={group.row} layout={layout} />}
      <canvas class="strip" aria-hidden="true" style={`left:${inputWidth}px`} />
      {cells.map((i) => (
        <div
          key={i}
          role="gridcell"
          class="cell"
          aria-colindex={i + 1}
          data-index={group.index + i}
          data-row={group.row}
          data-target={group.from + i}
          style={`left:${left(i)}px;width:${cellWidth}px;height:${pitchY - 8}px`}
        >
          <div class="frame" style={`height:${height}px`} />
          <i class="mapmark" />
        </div>
      ))}
      {cells.map((i) => (
        <div
          key={i}
          class="caption"
          aria-hidden="true"
          style={`left:${left(i)}px;top:${height + 2}px;width:${pitchX - 2}px;height:${4 * CAPTION}px`}
        >
          <b />
          <span />
          <span class="gap" />
        </div>
      ))}
    </div>
  );
}

/** The input that the maps of an example are about, as large as they are. */
function Input({ row, layout }: { readonly row: number; readonly layout: MapLayout }) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { geometry } = layout;
  const text = useComputed(() => {
    const view = store.mapRows.value[row]?.view;
    return view ? exampleText(store, view) : "";
  });
  const missing = useComputed(() => {
    const [view, input] = [store.mapRows.value[row]?.view, store.input.value];
    return view && input && !input.info.examples.includes(view.info.examples[view.example]!);
  }).value;
  usePaint(() => {
    const view = store.mapRows.value[row]?.view;
    const source = view && overOf(store, view)?.input;
    if (canvas.current) canvas.current.hidden = !source;
    if (canvas.current && source) painted(canvas.current, inputPicture(source), geometry.reduce);
  }, [row, geometry]);
  const size = `width:${geometry.tileCssWidth}px;height:${geometry.tileCssHeight}px`;
  return (
    <div class="mapinput" role="rowheader" style={`width:${geometry.tileCssWidth}px`}>
      <canvas ref={canvas} aria-hidden="true" style={size} />
      {missing && <span class="muted">not stored</span>}
      <div class="caption" style={`top:${geometry.tileCssHeight + 2}px`}>
        {text}
      </div>
    </div>
  );
}

function rowIn(store: Store, { group }: GroupProps) {
  const row = store.mapRows.value[group.row];
  return row ? { row, targets: row.targets.slice(group.from, group.to) } : null;
}

function paint(
  store: Store,
  strip: { current: RowStrip | null },
  element: HTMLElement | null,
  props: GroupProps,
): void {
  const { layout } = props;
  const found = rowIn(store, props);
  const canvas = element?.querySelector<HTMLCanvasElement>("canvas.strip");
  if (!found || !canvas) return;
  const { row, targets } = found;
  const { shown, view } = row;
  strip.current ??= new RowStrip(canvas);
  const { parts, geometry } = layout;
  strip.current.begin(targets.length, geometry, 0, parts);
  const over = store.overlay.value ? overOf(store, view) : null;
  const own = { source: shown.source, at: (plane: number) => plane };
  const sides = store.flipped.value && shown.other ? [shown.other, own] : [own, shown.other];
  targets.forEach((target, i) => {
    const limits = shown.table.limits(target);
    sides.slice(0, parts).forEach((side, part) => {
      const plane = side?.at(target);
      if (!side || plane === undefined || plane >= side.source.stack.planes) return;
      const affine = affineOf(limits, side.source.stack.scale);
      strip.current?.tileBy(i * parts + part, (on, left, { reduce, replicate }) => {
        const small = side.source.reduced(reduce);
        if (!over) paintPlane(on, left, 0, small, plane, affine, shown.lut, replicate);
        else {
          const input = over.input.reduced(reduce);
          paintOver(on, left, small, plane, affine, shown.lut, { ...over, input }, replicate);
        }
      });
    });
  });
  strip.current.end();
}

function write(store: Store, element: HTMLElement | null, props: GroupProps): void {
  const found = rowIn(store, props);
  const view = store.view.value;
  if (!found || !element || !view) return;
  const { row, targets } = found;
  const selected = row.view.example === view.example ? store.channel.value : null;
  const captions = element.querySelectorAll<HTMLElement>(":scope > .caption[aria-hidden]");
  const method = methodText(row.view);
  element.querySelectorAll<HTMLElement>(":scope > [role=gridcell]").forEach((cell, i) => {
    const target = targets[i];
    if (target === undefined) return;
    const said = captionOf(store, row.view, target);
    setAttribute(
      cell,
      "aria-label",
      `example ${row.view.info.examples[row.view.example]}, ${said.name}`,
    );
    const { text, kind, sentence } = said.doubt;
    const described = [said.sum, text].filter(Boolean).join(", ");
    setAttribute(cell, "aria-description", sentence ? `${described}. ${sentence}` : described);
    setAttribute(cell, "aria-selected", String(target === selected));
    setAttribute(cell, "tabindex", target === selected ? "0" : "-1");
    setAttribute(cell, "title", [`${said.name}: ${said.sum}.`, sentence, method].join(" "));
    const [name, sum, gap] = captions[i]!.children as unknown as [
      HTMLElement,
      HTMLElement,
      HTMLElement,
    ];
    setText(name, said.name);
    // Where there is no room, the numbers alone.
    const brief = props.layout.pitchX < ROOMY ? said.sum.replace(/^[a-z]+ /, "") : said.sum;
    setText(sum, valueHere(store, row, target) ?? brief);
    setText(gap, text);
    setAttribute(gap, "class", `gap ${kind}`);
  });
}

/** The value under the cursor, in every map; null while it is nowhere. */
function valueHere(store: Store, { view, shown }: MapRow, target: number): string | null {
  const pixel = store.hover.value?.pixel;
  if (!pixel) return null;
  const { hi } = shown.table.limits(target);
  const value = valueShown(store, view, target, pixel);
  if (store.isDifference.value) return formatValue(value, hi, 4);
  return valueText(store, view, target, value, hi).replace(" of the score", "");
}

/** The marked pixel in every map, by three custom properties. */
function mark(store: Store, element: HTMLElement | null, { zoom }: MapLayout): void {
  const pixel = store.hover.value?.pixel ?? store.pixel.value;
  if (!element) return;
  element.style.setProperty("--mark-visibility", pixel ? "visible" : "hidden");
  if (!pixel) return;
  const size = Math.max(zoom, 5);
  const shift = Math.floor((size - zoom) / 2);
  element.style.setProperty("--mark-x", `${pixel.x * zoom - shift}px`);
  element.style.setProperty("--mark-y", `${pixel.y * zoom - shift}px`);
  element.style.setProperty("--mark-size", `${size}px`);
}
