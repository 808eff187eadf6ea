/** Paints a figure of the filtered channels on a canvas of its own, whatever the theme. */
import { channelId, isAttention, nameOf, RGB } from "../../data/channels";
import { isDense, isSignal } from "../../data/view";
import { FIRST_SHADE, isDiverging, LAST_SHADE, type Lut } from "../../render/colormap";
import { formatSpan } from "../../render/format";
import { marksIn, nonfiniteOf } from "../../render/nonfinite";
import { NUMBER_FONT } from "../../render/numbers";
import type { Shown } from "../../render/shown";
import { RowStrip, stripGeometry } from "../../render/strip";
import { affineOf } from "../../render/window";
import { placeOf } from "../../state/patches";
import { lookOver } from "../grid/look";
import { isMatrix } from "../grid/matrixLayout";
import { BAR_HEIGHT, type Figure, type FigureLayout, figureLayout, MARGIN } from "./figure";
import { mapsFigure, paintMaps } from "./paintMaps";
import { matrixFigure, paintMatrix } from "./paintMatrix";
import { paintSignals, signalFigure } from "./paintSignals";

const INK = "#212121";
const GREY = "#616161";

function tileOf({ shown, look, tileWidth }: Figure): { width: number; height: number } {
  const { width, height } = (look?.picture ?? shown.source).stack;
  const geometry = stripGeometry(width, height, tileWidth);
  return { width: Math.ceil(geometry.tileCssWidth), height: Math.ceil(geometry.tileCssHeight) };
}

export function layoutOfFigure(figure: Figure): FigureLayout {
  if (figure.maps.length > 0) return mapsFigure(figure);
  if (isSignal(figure.view)) return signalFigure(figure);
  if (isMatrix(figure.view)) return matrixFigure(figure);
  const captions = figure.shown.range === "channel" ? 2 : 1;
  const { width, height } = tileOf(figure);
  const tile = { width: figure.beside ? 2 * width : width, height };
  return figureLayout({ count: figure.order.length, tile, captions });
}

function titleOf({
  view,
  shown,
  order,
  labels,
  versus,
  depth,
  look,
  maps,
}: Figure): [string, string] {
  const { info, tag, run, pool } = view;
  const example = info.examples[view.example] ?? view.example;
  const label = labels?.[view.example];
  const all = isDense(info) || maps.length > 1;
  const one = pool ? `${pool} of ${info.examples.length} examples` : `example ${example}`;
  const which = all ? "all stored examples" : one;
  const what = label && !all && !pool ? `${which} “${label}”` : which;
  return [
    tag,
    [
      run,
      `step ${info.step}`,
      what,
      depth === null ? null : `depth ${depth}`,
      versus,
      isAttention(view) &&
        (look ? `query: ${placeOf(look, look.query)}` : "rows are queries, columns keys"),
      shown.table.limits(order[0] ?? 0).log && "log scale",
    ]
      .filter(Boolean)
      .join(", "),
  ];
}

export function paintFigure(figure: Figure, scale: number, background: string | null) {
  const layout = layoutOfFigure(figure);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(layout.width * scale);
  canvas.height = Math.round(layout.height * scale);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser offers no 2d canvas");
  context.scale(scale, scale);
  if (background) {
    context.fillStyle = background;
    context.fillRect(0, 0, layout.width, layout.height);
  }
  paintTitle(context, figure);
  const ink = (text: string, x: number, y: number, width: number) =>
    write(context, text, x, y, { color: INK, width });
  if (figure.maps.length > 0) paintMaps(context, figure, layout, scale, ink);
  else if (isSignal(figure.view)) paintSignals(context, figure, layout.top, ink);
  else if (isMatrix(figure.view)) paintMatrix(context, figure, layout.top, scale, ink);
  else paintTiles(context, figure, layout, scale);
  if (!figure.lines) paintBar(context, figure, layout);
  return canvas;
}

function write(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  style: { size?: number; weight?: number; color?: string; width?: number },
): void {
  const { size = 11, weight = 400, color = GREY, width } = style;
  context.font = `${weight} ${size}px ${NUMBER_FONT}`;
  context.fillStyle = color;
  context.textBaseline = "alphabetic";
  context.fillText(text, x, y, width);
}

function paintTitle(context: CanvasRenderingContext2D, figure: Figure): void {
  const [title, detail] = titleOf(figure);
  write(context, title, MARGIN, MARGIN + 14, { size: 16, weight: 500, color: INK });
  write(context, detail, MARGIN, MARGIN + 32, { size: 12 });
}

function paintTiles(
  context: CanvasRenderingContext2D,
  figure: Figure,
  layout: FigureLayout,
  scale: number,
): void {
  const { view, shown, order, beside, look } = figure;
  const { source, table, lut } = shown;
  const tile = tileOf(figure);
  const { width, height } = (look?.picture ?? source).stack;
  const geometry = stripGeometry(width, height, tile.width, scale);
  const picture = document.createElement("canvas");
  const strip = new RowStrip(picture);
  const sides = beside ? [source, beside] : [source];
  order.forEach((position, i) => {
    const x = MARGIN + (i % layout.columns) * layout.pitchX;
    const y = layout.top + Math.floor(i / layout.columns) * layout.pitchY;
    strip.begin(1, geometry, 0, sides.length);
    sides.forEach((source, part) => {
      const affine = affineOf(table.limits(position), source.stack.scale);
      const diverging = isDiverging(shown.colormap);
      const of = { source, plane: position, affine, lut, diverging };
      if (look) lookOver(strip, part, look, of);
      else strip.tile(part, source, position, affine, lut);
    });
    strip.end();
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, x, y, tile.width * sides.length, tile.height);
    const id = channelId(view.info, position);
    const name = position === RGB || isAttention(view) ? nameOf(id, view) : String(id);
    write(context, name, x, y + tile.height + 12, {
      color: INK,
      width: tile.width,
    });
    if (shown.range === "channel") {
      write(context, limitsText(figure, position).join(" … "), x, y + tile.height + 25, {
        size: 10,
        width: tile.width,
      });
    }
  });
}

/** Both limits, or the one value where there is but one: no limit is named that is not there. */
function limitsText({ shown, zero }: Figure, position: number): readonly string[] {
  const { source, table } = shown;
  const only = table.only(position);
  const { whole } = source.stack;
  const { lo, hi } = table.named(position);
  if (only === null || !(only === lo || only === hi || Number.isNaN(only))) {
    return formatSpan({ lo, hi }, whole);
  }
  if (only === 0) return [zero(position, source)];
  return [Number.isNaN(only) ? "no finite value" : formatSpan({ lo: only, hi: only }, whole)[0]];
}

/** The colours from low to high with the limits they stand for. */
function paintBar(context: CanvasRenderingContext2D, figure: Figure, layout: FigureLayout): void {
  const { shown, order } = figure;
  const { x, y, width } = layout.bar;
  paintGradient(context, shown.lut, x, y, width);
  // Each example has a bound of its own, unless one holds for all.
  const own = shown.range === "channel" && (!shown.signed || figure.maps.length > 1);
  const first = order[0] ?? 0;
  const ends = shown.signed ? ["− bound", "+ bound"] : ["minimum", "maximum"];
  const [low = "", high = ""] = own ? ends : limitsText(figure, first);
  write(context, low, x, y + BAR_HEIGHT + 13, { color: INK });
  context.textAlign = "right";
  write(context, high, x + width, y + BAR_HEIGHT + 13, { color: INK });
  context.textAlign = "left";
  const note = own ? "of each channel, as written under it" : "";
  write(context, note, x + 62, y + BAR_HEIGHT + 13, { width: width - 124 });
  paintMarks(context, shown, x + width + 16, y);
}

/** What the colours beside the map stand for. */
function paintMarks(context: CanvasRenderingContext2D, shown: Shown, x: number, y: number): void {
  const marks = marksIn(nonfiniteOf(shown.source, null), shown.colormap);
  marks.forEach(({ color, text }, i) => {
    context.fillStyle = color;
    context.fillRect(x + i * 48, y, BAR_HEIGHT, BAR_HEIGHT);
    write(context, text, x + i * 48 + 16, y + 10, {});
  });
}

function paintGradient(
  context: CanvasRenderingContext2D,
  lut: Lut,
  x: number,
  y: number,
  width: number,
): void {
  const shades = LAST_SHADE - FIRST_SHADE + 1;
  const bar = document.createElement("canvas");
  bar.width = shades;
  bar.height = 1;
  const inner = bar.getContext("2d");
  if (!inner) return;
  const image = inner.createImageData(shades, 1);
  new Uint32Array(image.data.buffer).set(lut.subarray(FIRST_SHADE, LAST_SHADE + 1));
  inner.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(bar, x, y, width, BAR_HEIGHT);
}
