/**
 * Layer strips as pixels: one cell a column, colour is log10 of the layer's RMS on one scale for the
 * run, so that explosion brightens and collapse darkens; non-finite has its own colour.
 */
import type { LayerHealth, Overview } from "../../data/answers";
import { buildLut, FIRST_SHADE, type Lut, NAN_ENTRY, SHADES } from "../../render/colormap";
import { type Lead, strongest } from "../../state/leads";

export interface StripScale {
  readonly low: number;
  readonly high: number;
}

const lut = (): Lut => buildLut({ colormap: "viridis", gamma: 1, invert: false, clipped: false });

/** The run's smallest and largest log10 RMS, at least one decade apart. */
export function stripScale(overview: Overview): StripScale {
  const layers = [...overview.layers.values()].filter(({ kind }) => kind === "activation");
  return scaleOf(layers.map(({ columns }) => columns));
}

/** The same of these rows alone: attributions are in units of their own. */
export function scaleOf(rows: readonly (readonly (LayerHealth | null)[])[]): StripScale {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const columns of rows) {
    for (const health of columns) {
      if (!health?.rms || health.rms <= 0) continue;
      const log = Math.log10(health.rms);
      low = Math.min(low, log);
      high = Math.max(high, log);
    }
  }
  if (low > high) return { low: -1, high: 0 };
  const spare = Math.max(0, 1 - (high - low)) / 2;
  return { low: low - spare, high: high + spare };
}

/** One packed pixel for a layer at one column; 0 (transparent) where nothing was logged. */
function stripColor(health: LayerHealth | null, { low, high }: StripScale): number {
  if (!health) return 0;
  if (health.nonfinite > 0 || health.rms === null) return lut()[NAN_ENTRY]!;
  if (health.rms <= 0) return lut()[FIRST_SHADE]!;
  const t = (Math.log10(health.rms) - low) / (high - low);
  return lut()[FIRST_SHADE + Math.round(Math.min(1, Math.max(0, t)) * (SHADES - 1))]!;
}

/** The column that has something, nearest to one; -1 where none has. */
export function nearestColumn(columns: readonly (LayerHealth | null)[], at: number): number {
  for (let by = 0; by < columns.length; by++) {
    if (columns[at - by]) return at - by;
    if (columns[at + by]) return at + by;
  }
  return -1;
}

/** At most `height` rows: where layers are more than pixels, each row keeps its worst. */
export function bucketRows(
  rows: readonly (readonly (LayerHealth | null)[])[],
  height: number,
): readonly (readonly (LayerHealth | null)[])[] {
  if (rows.length <= height) return rows;
  return Array.from({ length: height }, (_, i) => {
    const from = Math.floor((i * rows.length) / height);
    const bucket = rows.slice(from, Math.floor(((i + 1) * rows.length) / height));
    return bucket[0]!.map((_, x) => bucket.map((row) => row[x] ?? null).reduce(worse));
  });
}

/** Non-finite before dead before strong. */
function worse(a: LayerHealth | null, b: LayerHealth | null): LayerHealth | null {
  if (!a || !b) return a ?? b;
  const by = a.nonfinite - b.nonfinite || a.dead - b.dead || (a.rms ?? 0) - (b.rms ?? 0);
  return by >= 0 ? a : b;
}

/** Paints layers × columns, one pixel each. */
export function paintStrips(
  canvas: HTMLCanvasElement,
  rows: readonly (readonly (LayerHealth | null)[])[],
  scale: StripScale,
): void {
  const colors = rows.map((row) => row.map((health) => stripColor(health, scale)));
  paint(canvas, colors);
}

/** How many channels a strip of their own has room for. */
const LED = 7;

/**
 * The channels that count most, a row each, the one that adds most at the last step on top: red where a
 * channel adds to the score, blue where it takes from it, white at zero.
 */
export function paintLead(canvas: HTMLCanvasElement, overview: Overview, lead: Lead): void {
  const { steps, sums } = lead;
  const ids = strongest(lead, LED);
  const rows = overview.columns.map(([first, last]) => {
    const at = steps.findLastIndex((step) => step <= last);
    return steps[at]! >= first ? sums[at]! : null;
  });
  const reach = Math.max(...sums.flatMap((row) => ids.map((id) => Math.abs(row[id]!) || 0))) || 1;
  const shades = buildLut({ colormap: "RdBu", gamma: 1, invert: true, clipped: false });
  const color = (sum: number) =>
    shades[FIRST_SHADE + Math.round((sum / reach + 1) * ((SHADES - 1) / 2))] ?? shades[NAN_ENTRY]!;
  paint(
    canvas,
    ids.map((id) => rows.map((row) => (row ? color(row[id]!) : 0))),
  );
}

function paint(canvas: HTMLCanvasElement, rows: readonly (readonly number[])[]): void {
  const width = Math.max(1, rows[0]?.length ?? 0);
  canvas.width = width;
  canvas.height = Math.max(1, rows.length);
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  rows.forEach((row, y) => {
    pixels.set(row, y * width);
  });
  context.putImageData(image, 0, 0);
}
