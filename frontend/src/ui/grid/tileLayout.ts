/** Where rows and cells stand, from the size of the well and of a plane: all in CSS pixels. */
import { type StripGeometry, stripGeometry } from "../../render/strip";
import { chooseTile, nearestTile, pitchOf, tileSizes } from "./tiles";

const BAR = 3;
const CAPTION_GAP = 3;

export interface GridLayout {
  readonly geometry: StripGeometry;
  readonly columns: number;
  readonly rows: number;
  readonly count: number;
  /** From one tile to the next. */
  readonly pitchX: number;
  readonly pitchY: number;
  readonly barTop: number;
  readonly captionTop: number;
  /** Tiles side by side in a cell: two while comparing. */
  readonly parts: number;
  readonly cellWidth: number;
  /** CSS pixels for one value of the plane. */
  readonly zoom: number;
}

interface LayoutInput {
  readonly planeWidth: number;
  readonly planeHeight: number;
  readonly count: number;
  readonly area: { readonly width: number; readonly height: number };
  /** Wished width of a tile; null: chosen to fit. */
  readonly wished: number | null;
  readonly parts: number;
}

export function layoutOf(input: LayoutInput): GridLayout {
  const { planeWidth, planeHeight, count, area, wished, parts } = input;
  const size =
    wished === null
      ? chooseTile(planeWidth, planeHeight, count, area, parts)
      : nearestTile(tileSizes(planeWidth, planeHeight), wished);
  const geometry = stripGeometry(planeWidth, planeHeight, size.width);
  const { columns, pitchX, pitchY } = pitchOf(geometry, area.width, parts);
  return {
    geometry,
    columns,
    rows: Math.ceil(count / columns),
    count,
    parts,
    cellWidth: geometry.tileCssWidth * parts,
    pitchX,
    pitchY,
    barTop: geometry.tileCssHeight + CAPTION_GAP,
    captionTop: geometry.tileCssHeight + CAPTION_GAP + BAR + 1,
    zoom: (geometry.cssPerPixel * geometry.replicate) / geometry.reduce,
  };
}

/**
 * What a mark may stand out of its tile on either side: half a gap. The marks of a row are one picture
 * repeated, and the one that would follow the last tile begins beyond this.
 */
export function markRoom({ geometry }: GridLayout): number {
  return Math.floor(geometry.gapCss / 2);
}
