/** Pictures off screen: planes painted at native size, for canvases that show a part of them. */
import { RGB } from "../../data/channels";
import { buildLut, type Lut } from "../../render/colormap";
import { minMax } from "../../render/limits";
import type { TileSource } from "../../render/planes";
import { formOf } from "../../render/sample";
import { paintCanvas } from "../../render/strip";
import { type Affine, affineOf } from "../../render/window";

/** A plane (or RGB) on a canvas of its own, averaged where it is finer than asked. */
export function painted(
  canvas: HTMLCanvasElement,
  of: { source: TileSource; plane: number; affine: Affine; lut: Lut },
  reduce = 1,
): HTMLCanvasElement {
  paintCanvas(canvas, of.source, of.plane, of.affine, of.lut, reduce);
  return canvas;
}

/** How an input is shown beside a layer: in colour where it has three channels, min to max. */
export function inputPicture(source: TileSource): {
  source: TileSource;
  plane: number;
  affine: Affine;
  lut: Lut;
} {
  return {
    source,
    plane: source.stack.planes === 3 && formOf(source.stack) === "picture" ? RGB : 0,
    affine: affineOf(minMax(source.extentOfAll()), source.stack.scale),
    lut: buildLut({ colormap: "grey", gamma: 1, invert: false, clipped: false }),
  };
}

/** How many source pixels become one so that no side is finer than the screen. */
export function reduction(width: number, height: number, pixels: number): number {
  return Math.max(1, Math.ceil(Math.max(width, height) / Math.max(1, pixels)));
}
