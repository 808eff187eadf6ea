/** Where maps stand: a group for each example, its input before its maps. All in CSS pixels. */
import { type StripGeometry, stripGeometry } from "../../render/strip";
import { nearestTile, tileSizes } from "../grid/tiles";

const SMALLEST = 96;
const LARGEST = 256;
const GAP = 8;
/** Class, score, doubts: these on two lines where a map is narrower than what may be said of it. */
export const CAPTION = 14;
const ROOMY = 224;
const BELOW = 12;

/** Maps of one example, side by side, as far as they fit beside its input. */
export interface MapGroup {
  /** Which of the examples shown. */
  readonly row: number;
  /** Half open, among the targets shown of the example. */
  readonly from: number;
  readonly to: number;
  /** The first of all its maps, counted over all examples. */
  readonly index: number;
  /** From the left edge. */
  readonly left: number;
}

export interface MapLayout {
  readonly geometry: StripGeometry;
  /** From above, each from the left. */
  readonly lines: readonly (readonly MapGroup[])[];
  /** Most maps of one example in a line, and most examples. */
  readonly columns: number;
  readonly groups: number;
  readonly count: number;
  /** Tiles side by side in a cell: two while comparing. */
  readonly parts: number;
  readonly cellWidth: number;
  readonly pitchX: number;
  readonly pitchY: number;
  /** From the left of a group to its first map. */
  readonly inputWidth: number;
  /** Of a whole line. */
  readonly width: number;
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
  const sizes = tileSizes(input.planeWidth, input.planeHeight);
  const all = sizes.map(({ width }) => laidOut(input, width));
  if (input.wished !== null) return all[sizes.indexOf(nearestTile(sizes, input.wished))]!;
  const legible = all.filter(
    ({ geometry }) => geometry.tileCssWidth >= SMALLEST && geometry.tileCssWidth <= LARGEST,
  );
  const fits = ({ lines, pitchY, width }: MapLayout) =>
    lines.length * pitchY - BELOW <= input.area.height && width <= input.area.width;
  // Rather more to scroll than maps of one example under each other.
  const most = Math.max(1, ...input.counts);
  const beside = legible.filter(({ columns }) => columns === most);
  return (
    beside.filter(fits).at(-1) ??
    beside[0] ??
    legible.filter(fits).at(-1) ??
    legible[0] ??
    all.at(-1)!
  );
}

function laidOut(input: MapLayoutInput, tile: number): MapLayout {
  const { planeWidth, planeHeight, counts, area, parts, withInput } = input;
  const geometry = stripGeometry(planeWidth, planeHeight, tile);
  const gap = Math.max(GAP, geometry.gapCss);
  const cellWidth = geometry.tileCssWidth * parts;
  const pitchX = cellWidth + geometry.gapCss;
  const inputWidth = withInput ? geometry.tileCssWidth + geometry.gapCss : 0;
  const room = Math.max(0, area.width - inputWidth + geometry.gapCss);
  const most = Math.max(1, ...counts);
  const columns = Math.max(1, Math.min(most, Math.floor(room / pitchX)));
  const groupWidth = inputWidth + columns * pitchX - geometry.gapCss;
  // Examples stand apart further than the maps of one.
  const apart = groupWidth + 2 * gap;
  const groups = Math.max(1, Math.floor((area.width + 2 * gap) / apart));
  return {
    geometry,
    lines: linesOf(counts, columns, groups, apart),
    columns,
    groups,
    count: counts.reduce((sum, count) => sum + count, 0),
    parts,
    cellWidth,
    pitchX,
    pitchY: Math.ceil(geometry.tileCssHeight) + (pitchX < ROOMY ? 4 : 3) * CAPTION + BELOW,
    inputWidth,
    width: Math.min(groups, counts.length) * apart - 2 * gap,
    zoom: (geometry.cssPerPixel * geometry.replicate) / geometry.reduce,
  };
}

/** Examples from the left, several in a line where all their maps fit beside each other. */
function linesOf(
  counts: readonly number[],
  columns: number,
  perLine: number,
  apart: number,
): readonly (readonly MapGroup[])[] {
  const lines: MapGroup[][] = [];
  let index = 0;
  counts.forEach((count, row) => {
    for (let from = 0; from === 0 || from < count; from += columns) {
      const to = Math.min(count, from + columns);
      const last = lines.at(-1);
      const next = from === 0 && last && last.length < perLine && last[0]!.from === 0;
      const line = next ? last : [];
      line.push({ row, from, to, index, left: line.length * apart });
      if (!next) lines.push(line);
      index += to - from;
    }
  });
  return lines;
}
