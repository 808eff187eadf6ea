/** Paints the matrix of a dense layer or a sequence into a figure: cells, rows and columns as on screen. */
import { channelId } from "../../data/channels";
import { numberBand, paintBand } from "../../render/paintBand";
import { CAPTION, LABELS, type MatrixLayout, matrixLayout, NUMBERED } from "../grid/matrixLayout";
import { rowName } from "../grid/rowName";
import { type Figure, type FigureLayout, framed, MARGIN } from "./figure";

type Write = (text: string, x: number, y: number, width: number) => void;

/** The bands of the matrix, as many columns in each as on screen. */
function bandsOf({ view, order, tileWidth, tileColumns, beside }: Figure): MatrixLayout {
  return matrixLayout({
    positions: view.planeSize,
    count: order.length,
    area: { width: LABELS + tileColumns * tileWidth, height: 0 },
    wished: tileWidth,
    parts: beside ? 2 : 1,
  });
}

export function matrixFigure(figure: Figure): FigureLayout {
  const { bands, pitch, columns, count, cell } = bandsOf(figure);
  const width = LABELS + Math.min(columns, count) * cell;
  return framed({ columns: 1, rows: bands, pitchX: width, pitchY: pitch });
}

/** `write` puts a text on the figure, squeezed where it is wider. */
export function paintMatrix(
  context: CanvasRenderingContext2D,
  figure: Figure,
  top: number,
  scale: number,
  write: Write,
): void {
  const layout = bandsOf(figure);
  const { cell, columns, pitch } = layout;
  for (let band = 0; band < layout.bands; band++) {
    const positions = figure.order.slice(band * columns, (band + 1) * columns);
    const y = top + band * pitch;
    paintCells(context, figure, positions, layout, y, scale);
    paintRows(figure, layout, y, write);
    for (let i = 0; i < positions.length; i += layout.columnLabels) {
      const id = String(channelId(figure.view.info, positions[i]!));
      const x = MARGIN + LABELS + i * cell;
      write(id, x, y + layout.height + CAPTION - 4, cell * layout.columnLabels - 2);
    }
  }
}

function paintCells(
  context: CanvasRenderingContext2D,
  { shown, beside, zero }: Figure,
  positions: readonly number[],
  layout: MatrixLayout,
  y: number,
  scale: number,
): void {
  const sources = beside ? [shown.source, beside] : [shown.source];
  const picture = { shown, positions, sources, zero };
  const canvas = document.createElement("canvas");
  const place = [MARGIN + LABELS, y, positions.length * layout.cell, layout.height] as const;
  paintBand(canvas, picture, layout);
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, ...place);
  if (layout.cell < NUMBERED) return;
  numberBand(canvas, picture, layout, scale);
  context.drawImage(canvas, ...place);
}

function paintRows({ view, labels }: Figure, layout: MatrixLayout, y: number, write: Write): void {
  const { cell, rows, parts, reduce } = layout;
  for (let part = 0; part < parts; part++) {
    for (let row = 0; row < rows; row += layout.rowLabels) {
      const middle = y + (part * (rows + 1) + row + 0.5) * cell;
      write(rowName(view, row * reduce, labels), MARGIN, middle + 4, LABELS - 6);
    }
  }
}
