/** Paints the maps of an attribution into a figure: a row an example, its input before its maps. */
import { paintCanvasOver } from "../../render/overlay";
import type { TileSource } from "../../render/planes";
import { paintCanvas, stripGeometry } from "../../render/strip";
import { affineOf } from "../../render/window";
import { inputPicture, painted } from "../inspector/picture";
import { type Figure, type FigureLayout, type FigureRow, framed, MARGIN } from "./figure";

const GAP = 8;
const LINE = 14;
const LINES = 3;

type Write = (text: string, x: number, y: number, width: number) => void;

function tileOf({ shown, tileWidth }: Figure) {
  const { width, height } = shown.source.stack;
  const { tileCssWidth, tileCssHeight } = stripGeometry(width, height, tileWidth);
  return { width: Math.ceil(tileCssWidth), height: Math.ceil(tileCssHeight) };
}

function hasInputs({ maps }: Figure): boolean {
  return maps.some(({ input }) => input !== null);
}

export function mapsFigure(figure: Figure): FigureLayout {
  const tile = tileOf(figure);
  const most = Math.max(1, ...figure.maps.map(({ maps }) => maps.length));
  const tiles = most * (figure.beside ? 2 : 1) + (hasInputs(figure) ? 1 : 0);
  return framed({
    columns: tiles,
    rows: figure.maps.length,
    pitchX: tile.width + GAP,
    pitchY: tile.height + LINES * LINE + GAP,
  });
}

export function paintMaps(
  context: CanvasRenderingContext2D,
  figure: Figure,
  layout: FigureLayout,
  scale: number,
  write: Write,
): void {
  const tile = tileOf(figure);
  const { width, height } = figure.shown.source.stack;
  const { reduce } = stripGeometry(width, height, tile.width, scale);
  const picture = document.createElement("canvas");
  context.imageSmoothingEnabled = false;
  figure.maps.forEach((row, i) => {
    const y = layout.top + i * layout.pitchY;
    let x = MARGIN;
    const put = (lines: readonly string[]) => {
      context.drawImage(picture, x, y, tile.width, tile.height);
      for (const [line, text] of lines.entries()) {
        write(text, x, y + tile.height + 12 + line * LINE, tile.width);
      }
      x += layout.pitchX;
    };
    if (row.input) {
      painted(picture, inputPicture(row.input), reduce);
      put(row.lines);
    } else if (hasInputs(figure)) x += layout.pitchX;
    for (const { position, lines } of row.maps) {
      paintMap(picture, row, row.shown.source, position, reduce);
      put(lines);
      if (!figure.beside) continue;
      paintMap(picture, row, figure.beside, position, reduce);
      put([]);
    }
  });
}

function paintMap(
  canvas: HTMLCanvasElement,
  { shown, over }: FigureRow,
  source: TileSource,
  position: number,
  reduce: number,
): void {
  const affine = affineOf(shown.table.limits(position), source.stack.scale);
  if (over) paintCanvasOver(canvas, source, position, affine, shown.lut, over, reduce);
  else paintCanvas(canvas, source, position, affine, shown.lut, reduce);
}
