/**
 * Where the cells of a matrix stand: a row for each position (or example), a column for each channel,
 * wrapped into bands so that nothing is scrolled sideways. All in CSS pixels.
 */
import type { LayerView } from "../../data/answers";

export const CELL_SIZES = [4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 56] as const;
/** Cells this large have their value written in. */
export const NUMBERED = 32;
export const LABELS = 56;
const WIDEST_LABELS = 170;
/** The line of ids, below the ticks of the columns that have a word. */
export const CAPTION = 18;
const GAP = 8;
const SMALLEST = 8;
const LARGEST_FREE = 48;
const MOST_ROWS = 1024;

export interface MatrixLayout {
  readonly cell: number;
  /** Rows painted; positions beyond a thousand are averaged by `reduce`. */
  readonly rows: number;
  readonly reduce: number;
  /** Matrices in a band, one empty row between two. */
  readonly parts: number;
  /** Channels in a full band. */
  readonly columns: number;
  readonly bands: number;
  readonly count: number;
  readonly height: number;
  /** From one band to the next. */
  readonly pitch: number;
  /** Every how many columns and rows a label fits. */
  readonly columnLabels: number;
  readonly rowLabels: number;
  readonly words: WordStyle;
  /** Room for the names of the rows, before the cells. */
  readonly labels: number;
}

/** How what ails a channel is written under its column. */
type WordStyle = "across" | "upright" | "counted";

/** Columns this wide have room for a word, narrower ones for one that stands upright. */
const ACROSS = 32;
const UPRIGHT = 12;
/** Height of the line of words. */
const WORDS: Record<WordStyle, number> = { across: 14, upright: 32, counted: 14 };
/** Columns too narrow for words are counted together over this width. */
const COUNTED_WIDTH = 80;

function wordStyle(cell: number): WordStyle {
  return cell >= ACROSS ? "across" : cell >= UPRIGHT ? "upright" : "counted";
}

interface WordCount {
  /** The first column counted. */
  readonly column: number;
  readonly text: string;
}

/** As "1 NaN, 5 dead" for each stretch of columns in which any has a word. */
export function countWords(words: readonly string[], cell: number): WordCount[] {
  const columns = Math.max(1, Math.floor(COUNTED_WIDTH / cell));
  const counted: WordCount[] = [];
  // What is left at the end, too narrow for its words, goes with what is before it.
  for (let column = 0, end = 0; end < words.length; column = end) {
    end = words.length - column < 2 * columns ? words.length : column + columns;
    const counts = new Map<string, number>();
    for (const word of words.slice(column, end)) {
      if (word) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const text = [...counts].map(([word, n]) => `${n} ${word}`).join(", ");
    if (text) counted.push({ column, text });
  }
  return counted;
}

/** A layer whose planes have no second side: sequences, and dense layers over their examples. */
export function isMatrix(view: LayerView): boolean {
  return view.spatial.length < 2;
}

interface MatrixInput {
  readonly positions: number;
  readonly count: number;
  readonly area: { readonly width: number; readonly height: number };
  readonly wished: number | null;
  /** Two where another matrix stands under this one. */
  readonly parts?: number;
  readonly labels?: number;
}

/** Room for the longest of these names, within reason: a name as long as the column would be none. */
export function labelsFor(names: readonly string[]): number {
  const longest = Math.max(0, ...names.map(({ length }) => length));
  return Math.min(WIDEST_LABELS, Math.max(LABELS, 14 + 6.5 * longest));
}

export function matrixLayout(input: MatrixInput): MatrixLayout {
  const wished = input.wished !== null && input.wished <= CELL_SIZES.at(-1)! ? input.wished : null;
  if (wished !== null) return layoutAt(input, nearest(wished));
  const sizes = CELL_SIZES.filter((size) => size <= LARGEST_FREE);
  const fitting = sizes.filter((size) => {
    const layout = layoutAt(input, size);
    return layout.bands * layout.pitch <= input.area.height;
  });
  return layoutAt(input, fitting.at(-1) ?? SMALLEST);
}

function nearest(wished: number): number {
  return CELL_SIZES.reduce((best, size) =>
    Math.abs(size - wished) < Math.abs(best - wished) ? size : best,
  );
}

function layoutAt(
  { positions, count, area, parts = 1, labels = LABELS }: MatrixInput,
  cell: number,
): MatrixLayout {
  const reduce = Math.max(1, Math.ceil(positions / MOST_ROWS));
  const rows = Math.ceil(positions / reduce);
  const columns = Math.max(1, Math.floor((area.width - labels) / cell));
  const height = (rows * parts + parts - 1) * cell;
  const words = wordStyle(cell);
  return {
    cell,
    rows,
    reduce,
    parts,
    columns,
    bands: Math.ceil(count / columns),
    count,
    height,
    pitch: height + CAPTION + WORDS[words] + GAP,
    words,
    labels,
    columnLabels: Math.max(1, Math.ceil(32 / cell)),
    rowLabels: Math.max(1, Math.ceil(14 / cell)),
  };
}
