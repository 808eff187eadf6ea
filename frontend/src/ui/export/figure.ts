/** A figure of what is filtered: where title, tiles, captions and colour bar stand, at 1×. */
import type { LayerView } from "../../data/answers";
import type { Over } from "../../render/overlay";
import type { TileSource } from "../../render/planes";
import type { Shown } from "../../render/shown";
import type { Look } from "../grid/look";

export interface Figure {
  readonly view: LayerView;
  readonly shown: Shown;
  /** Labels of the stored examples. */
  readonly labels: readonly string[] | null;
  /** What stands beside each tile while comparing. */
  readonly beside: TileSource | null;
  /** What is written for a stored 0. */
  readonly zero: (position: number, source: TileSource) => string;
  /** How the second view is compared, as "minus step 0". */
  readonly versus: string | null;
  /** Positions of the channels, filtered and in order; RGB among them where colours are shown. */
  readonly order: readonly number[];
  /** Width of a tile at 1×; of a matrix the side of a cell, and how many stand side by side. */
  readonly tileWidth: number;
  readonly tileColumns: number;
  /** Whether the channels are lines. */
  readonly lines: boolean;
  /** Of the slice shown, where the planes are volumes. */
  readonly depth: number | null;
  /** Of attention over the input: what looks at what. */
  readonly look: Look | null;
  /** The examples of an attribution as they stand on the screen; empty where it has no maps. */
  readonly maps: readonly FigureRow[];
}

/** One example of an attribution: its input, then its maps. */
export interface FigureRow {
  /** Under its input. */
  readonly lines: readonly string[];
  readonly shown: Shown;
  readonly input: TileSource | null;
  /** What the maps lie over, where they do. */
  readonly over: Over | null;
  readonly maps: readonly { readonly position: number; readonly lines: readonly string[] }[];
}

interface FigureInput {
  readonly count: number;
  readonly tile: { readonly width: number; readonly height: number };
  /** Lines of text under each tile. */
  readonly captions: number;
}

export interface FigureLayout {
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
  readonly pitchX: number;
  readonly pitchY: number;
  readonly top: number;
  readonly bar: { readonly x: number; readonly y: number; readonly width: number };
}

export const MARGIN = 16;
export const BAR_HEIGHT = 12;
const GAP = 8;
const LINE = 14;
const HEAD = 46;
const FOOT = 44;
const NARROWEST = 512;
/** What browsers paint without fail. */
const LONGEST_SIDE = 16384;
const MOST_PIXELS = 120e6;

/** Rows a little wider than high; up to eight tiles in one row. */
export function figureLayout({ count, tile, captions }: FigureInput): FigureLayout {
  const pitchX = tile.width + GAP;
  const pitchY = tile.height + captions * LINE + GAP;
  const square = Math.ceil(Math.sqrt((count * 1.6 * pitchY) / pitchX));
  const columns = Math.max(1, Math.min(count, Math.max(8, square)));
  return framed({ columns, rows: Math.max(1, Math.ceil(count / columns)), pitchX, pitchY });
}

type Cells = Pick<FigureLayout, "columns" | "rows" | "pitchX" | "pitchY">;

/** Cells with a title above and a colour bar below them. */
export function framed(cells: Cells): FigureLayout {
  const width = Math.max(NARROWEST, cells.columns * cells.pitchX - GAP + 2 * MARGIN);
  const top = MARGIN + HEAD;
  const foot = top + cells.rows * cells.pitchY;
  return {
    ...cells,
    width,
    height: foot + FOOT + MARGIN - GAP,
    top,
    bar: { x: MARGIN, y: foot + 4, width: Math.min(320, width - 2 * MARGIN) },
  };
}

/** The largest of 1 to 4 times at which a figure can still be painted; 0 where none is. */
export function largestScale(size: { width: number; height: number }): number {
  for (let scale = 4; scale >= 1; scale--) {
    const [w, h] = [size.width * scale, size.height * scale];
    if (Math.max(w, h) <= LONGEST_SIDE && w * h <= MOST_PIXELS) return scale;
  }
  return 0;
}

/** A name for the file: the layer with what is no letter, digit, point or dash as a dash. */
export function fileName(
  tag: string,
  step: number,
  which: string | null,
  ending: string,
  depth: number | null = null,
): string {
  const name = [tag.replace(/[^\w.-]+/g, "-"), `step${step}`];
  if (which !== null) name.push(which);
  if (depth !== null) name.push(`depth${depth}`);
  return `${name.join("_")}.${ending}`;
}
