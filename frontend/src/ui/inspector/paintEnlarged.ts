/** Paints the selected tile enlarged: its part in sight, the values or the input over it, the mark. */
import { RGB } from "../../data/channels";
import type { Viewport } from "../../data/choices";
import { drawLines, inkOf } from "../../render/lines";
import { startNumbers, writeValues } from "../../render/numbers";
import { colourOver, type Over, paintCanvasOver } from "../../render/overlay";
import type { TileSource } from "../../render/planes";
import { startCanvas } from "../../render/signalRow";
import type { Selected } from "../../state/selected";
import { inputPicture, painted } from "./picture";
import { enlargedSize, whole } from "./viewport";

/** CSS pixels of a source pixel from which its value is written into it. */
const LEGIBLE = 26;
/** Three values stand one under the other. */
const LEGIBLE_RGB = 36;

interface Extras {
  readonly mark: { readonly x: number; readonly y: number } | null;
  readonly overlay: TileSource | null;
  /** A map lies over this input. */
  readonly over: Over | null;
  /** How zero is written. */
  readonly zero: string;
  /** Drawn as a line, in colours of its own. */
  readonly line: boolean;
}

/** A course is wider than high. */
const COURSE = 0.4;

/** Keeps the canvases that hold the plane and the input at their own sizes. */
export class Painter {
  private readonly plane = document.createElement("canvas");
  private readonly input = document.createElement("canvas");

  paint(
    canvas: HTMLCanvasElement,
    at: Selected,
    viewport: Viewport | null,
    limit: number,
    extras: Extras,
  ): void {
    const { stack } = at.shown.source;
    const ratio = window.devicePixelRatio || 1;
    const css = extras.line
      ? { width: limit, height: Math.round(limit * COURSE) }
      : enlargedSize(stack.width, stack.height, limit);
    const view = viewport ?? whole(stack.width, stack.height);
    const context = startCanvas(canvas, css);
    if (!context) return;
    const zoom = css.width / view.width;
    if (extras.line) {
      const course = { source: at.shown.source, plane: at.position };
      drawLines(context, [course], css, at.limits, inkOf(canvas), at.shown.colormap, view);
      if (extras.mark) drawMark(context, extras.mark, view, zoom, css.height);
      return;
    }
    // Finer planes are averaged: by whole blocks first, the rest by the canvas.
    const reduce = Math.max(1, Math.floor(1 / (zoom * ratio) + 1e-6));
    const { source, lut } = at.shown;
    const { position, affine } = at;
    if (extras.over) {
      paintCanvasOver(this.plane, source, position, affine, lut, extras.over, reduce);
    } else painted(this.plane, { source, plane: position, affine, lut }, reduce);
    context.imageSmoothingEnabled = zoom * ratio * reduce < 1;
    drawPart(context, this.plane, view, stack, css);
    if (extras.overlay) {
      context.globalAlpha = 0.5;
      context.imageSmoothingEnabled = true;
      painted(this.input, inputPicture(extras.overlay));
      drawPart(context, this.input, view, stack, css);
      context.globalAlpha = 1;
    } else if (zoom >= (at.position === RGB ? LEGIBLE_RGB : LEGIBLE)) {
      writeAll(context, at, view, zoom, css.height / view.height, extras);
    }
    if (extras.mark) drawMark(context, extras.mark, view, zoom, css.height / view.height);
  }
}

/** The part of a picture that stands where the view does; pictures may be finer or coarser. */
function drawPart(
  context: CanvasRenderingContext2D,
  picture: HTMLCanvasElement,
  view: Viewport,
  plane: { width: number; height: number },
  css: { width: number; height: number },
): void {
  const [sx, sy] = [picture.width / plane.width, picture.height / plane.height];
  context.drawImage(
    picture,
    view.x * sx,
    view.y * sy,
    view.width * sx,
    view.height * sy,
    0,
    0,
    css.width,
    css.height,
  );
}

function writeAll(
  context: CanvasRenderingContext2D,
  at: Selected,
  view: Viewport,
  zoom: number,
  zoomY: number,
  { zero, over }: Extras,
): void {
  const { position, limits, affine } = at;
  const { source, lut } = at.shown;
  const digits = startNumbers(context, position === RGB ? LEGIBLE : zoom);
  const under = (x: number, y: number) =>
    over ? colourOver(source, position, { x, y }, affine, lut, over) : undefined;
  const written = { source, position, limits, affine, lut, digits, zero, under };
  for (let y = Math.floor(view.y); y < view.y + view.height; y++) {
    for (let x = Math.floor(view.x); x < view.x + view.width; x++) {
      const [middle, top] = [(x - view.x + 0.5) * zoom, (y - view.y) * zoomY];
      writeValues(context, written, x, y, { middle, top, width: zoom, height: zoomY });
    }
  }
}

/** A box around a pixel in black and white, so that it stands out of any colour. */
function drawMark(
  context: CanvasRenderingContext2D,
  mark: { x: number; y: number },
  view: Viewport,
  zoomX: number,
  zoomY: number,
): void {
  const [x, y] = [(mark.x - view.x) * zoomX, (mark.y - view.y) * zoomY];
  const [width, height] = [Math.max(3, zoomX), Math.max(3, zoomY)];
  context.lineWidth = 1;
  context.strokeStyle = "#000";
  context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
  context.strokeStyle = "#fff";
  context.strokeRect(x - 1.5, y - 1.5, width + 3, height + 3);
}
