/** Where maps stand: a line for each example, its input before its maps. All in CSS pixels. */
import { type StripGeometry, stripGeometry } from "../../render/strip";
import { nearestTile, tileSizes } from "../grid/tiles";

const SMALLEST = 96;
const LARGEST = 256;
const GAP = 8;
/** Class, score, gap. */
export const CAPTION = 14;
const CAPTIONS = 3;
const BELOW = 12;

/** Maps of one example, as far as they fit beside its input. */
interface MapLine {
  /** Which of the examples shown. */
  readonly row: number;
  /** Half open, among the targets shown of the example. */
  readonly from: number;
  readonly to: number;
  /** The first of all its maps, counted over all examples. */
  readonly index: number;
}

export interface MapLayout {
  readonly geometry: StripGeometry;
  readonly lines: readonly MapLine[];
  /** Tiles in a line. */
  readonly columns: number;
  readonly count: number;
  /** Tiles side by side in a cell: two while comparing. */
  readonly parts: number;
  readonly cellWidth: number;
  readonly pitchX: number;
  readonly pitchY: number;
  /** From the left to the first map. */
  readonly inputWidth: number;
  /** CSS pixels for one value of the plane. */
  readonly zoom: number;
}

interface MapLayoutInput {
  readonly planeWidth: number;
  readonly planeHeight: number;
  /** Targets of each example. */
  readonly counts: readonly number[];
  readonly area: { readonly width: number; readonly height: number };
  readonly wished: number | null;
  readonly parts: number;
  readonly withInput: boolean;
}

export function mapLayout(input: MapLayoutInput): MapLayout {
  const { planeWidth, planeHeight, counts, area, wished, parts, withInput } = input;
  const sizes = tileSizes(planeWidth, planeHeight);
  const most = Math.max(1, ...counts);
  const tiles = (withInput ? 1 : 0) + most * parts;
  const fits = (size: { width: number; height: number }) =>
    tiles * (size.width + GAP) <= area.width + GAP &&
    counts.length * (size.height + CAPTIONS * CAPTION + BELOW) <= area.height + BELOW;
  const legible = sizes.filter(({ width }) => width >= SMALLEST && width <= LARGEST);
  const fitting = legible.filter(fits).at(-1) ?? legible[0] ?? sizes.at(-1)!;
  const size = wished === null ? fitting : nearestTile(sizes, wished);
  const geometry = stripGeometry(planeWidth, planeHeight, size.width);
  const cellWidth = geometry.tileCssWidth * parts;
  const pitchX = cellWidth + geometry.gapCss;
  const inputWidth = withInput ? geometry.tileCssWidth + geometry.gapCss : 0;
  const room = Math.max(0, area.width - inputWidth + geometry.gapCss);
  const columns = Math.max(1, Math.floor(room / pitchX));
  return {
    geometry,
    lines: linesOf(counts, columns),
    columns,
    count: counts.reduce((sum, count) => sum + count, 0),
    parts,
    cellWidth,
    pitchX,
    pitchY: Math.ceil(geometry.tileCssHeight) + CAPTIONS * CAPTION + BELOW,
    inputWidth,
    zoom: (geometry.cssPerPixel * geometry.replicate) / geometry.reduce,
  };
}

function linesOf(counts: readonly number[], columns: number): readonly MapLine[] {
  let index = 0;
  return counts.flatMap((count, row) =>
    Array.from({ length: Math.max(1, Math.ceil(count / columns)) }, (_, line) => {
      const [from, to] = [line * columns, Math.min(count, (line + 1) * columns)];
      const found = { row, from, to, index };
      index += to - from;
      return found;
    }),
  );
}

/** The lines, half open, within `height` from `top`, with one to spare on either side. */
export function visibleLines(
  { lines, pitchY }: MapLayout,
  top: number,
  height: number,
): readonly [number, number] {
  const first = Math.max(0, Math.floor(top / pitchY) - 1);
  const last = Math.min(lines.length, Math.ceil((top + height) / pitchY) + 1);
  return [Math.min(first, last), last];
}
