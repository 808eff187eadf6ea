import { describe, expect, it } from "vitest";
import {
  ABOVE_ENTRY,
  BELOW_ENTRY,
  buildLut,
  FIRST_SHADE,
  LAST_SHADE,
  NAN_ENTRY,
  NEGATIVE_INFINITY_ENTRY,
  POSITIVE_INFINITY_ENTRY,
} from "./colormap";
import { stackOf, TileSource } from "./planes";
import { paintPlane, paintRgb, stripGeometry } from "./strip";
import { affineOf } from "./window";

/** A table whose words are their own index, so that the entry taken is read off the pixel. */
const indices = Uint32Array.from({ length: POSITIVE_INFINITY_ENTRY + 1 }, (_, i) => i);
const source = (values: number[], height: number, width: number, scale = 1) =>
  new TileSource(
    stackOf(Float32Array.from(values), {
      planes: values.length / (height * width),
      height,
      width,
      scale,
    }),
  );
const target = (width: number, height: number) => ({
  pixels: new Uint32Array(width * height),
  stride: width,
});

describe("paintPlane", () => {
  it("takes the shade of the true value, and marks for what has none", () => {
    const values = [
      0,
      1,
      0.5,
      -1,
      2,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ];
    const out = target(8, 1);
    paintPlane(out, 0, 0, source(values, 1, 8, 4), 0, affineOf({ lo: 0, hi: 4 }, 4), indices);
    expect(Array.from(out.pixels)).toEqual([
      FIRST_SHADE,
      LAST_SHADE,
      FIRST_SHADE + 512,
      BELOW_ENTRY,
      ABOVE_ENTRY,
      NAN_ENTRY,
      POSITIVE_INFINITY_ENTRY,
      NEGATIVE_INFINITY_ENTRY,
    ]);
  });

  it("takes all 1024 shades of a window of any width", () => {
    const n = 1024;
    const values = Array.from({ length: n }, (_, i) => (i + 0.5) / n);
    const out = target(n, 1);
    paintPlane(out, 0, 0, source(values, 1, n), 0, affineOf({ lo: 0, hi: 1 }, 1), indices);
    expect(Array.from(out.pixels)).toEqual(Array.from({ length: n }, (_, i) => FIRST_SHADE + i));
  });

  it("paints in its place, each pixel as often as asked, and nowhere else", () => {
    const out = target(6, 5);
    const two = source([0, 1, 1, 0], 2, 2);
    paintPlane(out, 1, 1, two, 0, affineOf({ lo: 0, hi: 1 }, 1), indices, 2);
    const [l, h] = [FIRST_SHADE, LAST_SHADE];
    expect(Array.from(out.pixels)).toEqual([
      ...[0, 0, 0, 0, 0, 0],
      ...[0, l, l, h, h, 0],
      ...[0, l, l, h, h, 0],
      ...[0, h, h, l, l, 0],
      ...[0, h, h, l, l, 0],
    ]);
  });

  it("shows a NaN among 64 pixels averaged into one", () => {
    const values = new Array(64).fill(1);
    values[37] = Number.NaN;
    const out = target(1, 1);
    const small = source(values, 8, 8).reduced(8);
    paintPlane(out, 0, 0, small, 0, affineOf({ lo: 0, hi: 1 }, 1), indices);
    expect(out.pixels[0]).toBe(NAN_ENTRY);
  });
});

describe("paintRgb", () => {
  const lut = buildLut({ colormap: "grey", gamma: 1, invert: false, clipped: true });

  it("packs three planes as red, green and blue, clipped colours saturating", () => {
    const out = target(2, 1);
    const planes = source([0, 1, 1, 2, 0.5, -1], 1, 2);
    paintRgb(out, 0, 0, planes, affineOf({ lo: 0, hi: 1 }, 1), lut);
    // Pixel 0: 0, 1, 0.5; pixel 1: 1, 2 (above), −1 (below).
    expect(Array.from(out.pixels)).toEqual([0xff80ff00, 0xff00ffff]);
  });

  it("holds each pixel several times where tiles are replicated", () => {
    const out = target(4, 2);
    paintRgb(out, 0, 0, source([0, 1, 1, 0, 0, 0], 1, 2), affineOf({ lo: 0, hi: 1 }, 1), lut, 2);
    const row = [0xff00ff00, 0xff00ff00, 0xff0000ff, 0xff0000ff];
    expect(Array.from(out.pixels)).toEqual([...row, ...row]);
  });

  it("marks a pixel that holds a NaN", () => {
    const out = target(1, 1);
    paintRgb(out, 0, 0, source([1, Number.NaN, 0], 1, 1), affineOf({ lo: 0, hi: 1 }, 1), lut);
    expect(out.pixels[0]).toBe(lut[NAN_ENTRY]);
  });
});

describe("stripGeometry", () => {
  it("scales whole multiples in CSS, with a gap of whole pixels near 8", () => {
    expect(stripGeometry(28, 28, 84)).toMatchObject({
      reduce: 1,
      replicate: 1,
      tileWidth: 28,
      cssPerPixel: 3,
      gap: 3,
      gapCss: 9,
      tileCssWidth: 84,
    });
    expect(stripGeometry(56, 56, 112)).toMatchObject({ cssPerPixel: 2, gapCss: 8 });
    expect(stripGeometry(14, 14, 70)).toMatchObject({ cssPerPixel: 5, gapCss: 10 });
  });

  it("averages below 1×", () => {
    expect(stripGeometry(224, 112, 112)).toMatchObject({
      reduce: 2,
      replicate: 1,
      tileWidth: 112,
      tileHeight: 56,
      cssPerPixel: 1,
      gapCss: 8,
    });
  });

  it("averages odd widths too, the last column over what is left", () => {
    expect(stripGeometry(225, 225, 113)).toMatchObject({
      reduce: 2,
      tileWidth: 113,
      cssPerPixel: 1,
    });
  });

  it("does not average what a finer screen can show", () => {
    expect(stripGeometry(224, 224, 112, 2)).toMatchObject({
      reduce: 1,
      tileWidth: 224,
      cssPerPixel: 0.5,
    });
  });

  it("repeats large pixels, so that the gap stays near 8", () => {
    expect(stripGeometry(7, 7, 84)).toMatchObject({ replicate: 2, cssPerPixel: 6, gapCss: 6 });
    expect(stripGeometry(1, 1, 64)).toMatchObject({ replicate: 16, cssPerPixel: 4, gapCss: 8 });
    expect(stripGeometry(8, 8, 88)).toMatchObject({ replicate: 11, cssPerPixel: 1, gapCss: 8 });
  });
});
