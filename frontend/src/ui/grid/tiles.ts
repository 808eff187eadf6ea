/** How large tiles are: whole multiples or whole fractions of a plane, so that no pixel is split. */
import { type StripGeometry, stripGeometry } from "../../render/strip";

const SMALLEST = 64;
const LARGEST = 128;
/** Where all tiles fit they use the room up to here, one alone up to `SLIDER_TO`. */
const LARGEST_FITTING = 256;
const SLIDER_FROM = 16;
const SLIDER_TO = 512;
const CAPTION = 24;
const ROW_GAP = 8;

/** Times (2 is twice as large) or parts (0.5 is half) of a plane; the width it comes to in CSS pixels. */
interface TileSize {
  readonly zoom: number;
  readonly width: number;
  readonly height: number;
}

function sizeAt(planeWidth: number, planeHeight: number, zoom: number): TileSize {
  return { zoom, width: Math.ceil(planeWidth * zoom), height: Math.ceil(planeHeight * zoom) };
}

/** Ascending; fractions that divide the side evenly where there are any. */
function zoomsBetween(side: number, from: number, to: number): number[] {
  const parts: number[] = [];
  for (let part = Math.floor(side / from); part >= 2; part--) {
    if (Math.ceil(side / part) <= to) parts.push(part);
  }
  const even = parts.filter((part) => side % part === 0);
  const zooms = (even.length ? even : parts).map((part) => 1 / part);
  for (let times = Math.max(1, Math.ceil(from / side)); times * side <= to; times++) {
    zooms.push(times);
  }
  return zooms;
}

/** What the slider `Tile size` offers, ascending: larger sides of 16 to 512 px. */
export function tileSizes(planeWidth: number, planeHeight: number): TileSize[] {
  const side = Math.max(planeWidth, planeHeight, 1);
  const zooms = zoomsBetween(side, SLIDER_FROM, SLIDER_TO);
  return (zooms.length ? zooms : [1]).map((zoom) => sizeAt(planeWidth, planeHeight, zoom));
}

/** From one cell to the next, and how many stand side by side: gaps are whole source pixels. */
export function pitchOf(
  { tileCssWidth, tileCssHeight, gapCss }: StripGeometry,
  width: number,
  parts = 1,
) {
  const pitchX = tileCssWidth * parts + gapCss;
  return {
    columns: Math.max(1, Math.floor((width + gapCss) / pitchX)),
    pitchX,
    pitchY: Math.ceil(tileCssHeight) + CAPTION + ROW_GAP,
  };
}

/** How many cells fit into an area, captions and gaps included. */
export function capacity(
  geometry: StripGeometry,
  area: { width: number; height: number },
  parts = 1,
): number {
  const { columns, pitchY } = pitchOf(geometry, area.width, parts);
  return columns * Math.floor((area.height + ROW_GAP) / pitchY);
}

/**
 * The largest size of 64 to 256 px (512 for one tile) with which all fit into the area, so many tiles
 * side by side in a cell; else the smallest of 64 to 128 px.
 */
export function chooseTile(
  planeWidth: number,
  planeHeight: number,
  count: number,
  area: { width: number; height: number },
  parts = 1,
): TileSize {
  const side = Math.max(planeWidth, planeHeight, 1);
  const sizesTo = (largest: number) =>
    zoomsBetween(side, SMALLEST, largest).map((zoom) => sizeAt(planeWidth, planeHeight, zoom));
  const alone = count * parts === 1;
  const fitting = sizesTo(alone ? SLIDER_TO : LARGEST_FITTING).filter((size) => {
    const geometry = stripGeometry(planeWidth, planeHeight, size.width);
    return size.width * parts <= area.width && capacity(geometry, area, parts) >= count;
  });
  return fitting.at(-1) ?? sizesTo(LARGEST)[0] ?? sizeAt(planeWidth, planeHeight, 1);
}

/** The size on offer that comes nearest to a wished width. */
export function nearestTile(sizes: readonly TileSize[], width: number): TileSize {
  return sizes.reduce((best, size) =>
    Math.abs(size.width - width) < Math.abs(best.width - width) ? size : best,
  );
}
