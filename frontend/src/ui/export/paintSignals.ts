/** Paints the channels of a signal into a figure: a row for each, as lines or as colours, as on screen. */
import { channelId } from "../../data/channels";
import { allOf, type Ink, ticksOf } from "../../render/lines";
import type { TileSource } from "../../render/planes";
import { drawRow, sidesOf } from "../../render/signalRow";
import { LABELS } from "../grid/matrixLayout";
import { type SignalLayout, signalLayout } from "../grid/signalLayout";
import { type Figure, type FigureLayout, framed, MARGIN } from "./figure";

type Write = (text: string, x: number, y: number, width: number) => void;

/** On white and on nothing, whatever the theme. */
const INK: Ink = { line: "#1565c0", zero: "#8c8c8c" };
/** The line of positions. */
const AXIS = 18;
const APART = 64;

function rowsOf({ shown, lines, order, tileWidth, tileColumns, beside }: Figure): SignalLayout {
  return signalLayout({
    lines,
    positions: allOf(shown.source).width,
    count: order.length,
    area: { width: LABELS + tileColumns, height: 0 },
    wished: tileWidth,
    parts: beside && !lines ? 2 : 1,
  });
}

export function signalFigure(figure: Figure): FigureLayout {
  const { width, count, pitch } = rowsOf(figure);
  const high = count * pitch + AXIS;
  return framed({ columns: 1, rows: 1, pitchX: LABELS + width, pitchY: high });
}

/** `write` puts a text on the figure, squeezed where it is wider. */
export function paintSignals(
  context: CanvasRenderingContext2D,
  figure: Figure,
  top: number,
  write: Write,
): void {
  const layout = rowsOf(figure);
  const { shown, beside, zero } = figure;
  const left = MARGIN + LABELS;
  figure.order.forEach((position, i) => {
    const y = top + i * layout.pitch;
    const row = {
      shown,
      limits: shown.table.limits(position),
      sides: sidesOf(shown, beside, position),
      zero: (source: TileSource) => zero(position, source),
      ink: INK,
    };
    context.save();
    context.translate(left, y);
    drawRow(context, row, layout);
    context.restore();
    const middle = y + (layout.height * layout.parts) / 2 + 4;
    write(String(channelId(figure.view.info, position)), MARGIN, middle, LABELS - 6);
  });
  const { width } = allOf(shown.source);
  const y = top + layout.count * layout.pitch + 12;
  for (const x of ticksOf({ lo: 0, hi: width - 1 }, layout.width / APART, 1)) {
    write(String(x), left + ((x + 0.5) / width) * layout.width, y, APART - 8);
  }
}
