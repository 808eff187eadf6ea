/**
 * Colormaps baked into tables of packed pixels, gamma and inversion included.
 *
 * A `Lut` holds SHADES shades of the map between five marks:
 * `[NaN, −Inf, below, shade 0 … shade 1023, above, +Inf]`, each a little-endian RGBA word.
 */
import type { ColormapName } from "../data/choices";
import { RAMPS, type Rgb } from "./ramps";

export const SHADES = 1024;
export const NAN_ENTRY = 0;
export const NEGATIVE_INFINITY_ENTRY = 1;
export const BELOW_ENTRY = 2;
export const FIRST_SHADE = 3;
export const LAST_SHADE = FIRST_SHADE + SHADES - 1;
export const ABOVE_ENTRY = LAST_SHADE + 1;
export const POSITIVE_INFINITY_ENTRY = LAST_SHADE + 2;

export type Lut = Uint32Array;

interface Marks {
  readonly nan: string;
  readonly negative: string;
  readonly positive: string;
  readonly below: string;
  readonly above: string;
}

interface Shading {
  readonly colormap: ColormapName;
  readonly gamma: number;
  readonly invert: boolean;
  /** Show values outside the limits in their own colours. */
  readonly clipped: boolean;
}

const COOL: Marks = {
  nan: "#ff00ff",
  negative: "#00e5ff",
  positive: "#ff9100",
  below: "#2979ff",
  above: "#ff1744",
};
const WARM: Marks = {
  nan: "#00e5ff",
  negative: "#2979ff",
  positive: "#76ff03",
  below: "#00bfa5",
  above: "#00c853",
};
const DIVERGING: Marks = { ...COOL, below: "#00c853", above: "#ffea00" };

const MARKS: Record<ColormapName, Marks> = {
  viridis: COOL,
  grey: COOL,
  magma: WARM,
  inferno: WARM,
  RdBu: DIVERGING,
  colour: COOL,
};

export function isDiverging(name: ColormapName): boolean {
  return name === "RdBu";
}

export function marksOf(name: ColormapName): Marks {
  return MARKS[name];
}

/**
 * The map that suits values between min and max: viridis from zero up, RdBu where both signs occur
 * and the smaller is at least a tenth of the larger; inputs in colour where they are such pictures,
 * else grey.
 */
export function defaultColormap(of: {
  min: number;
  max: number;
  kind: string;
  coloured: boolean;
}): ColormapName {
  if (of.kind === "input") return of.coloured ? "colour" : "grey";
  const below = Math.max(0, -of.min);
  const above = Math.max(0, of.max);
  return Math.min(below, above) >= Math.max(below, above) / 10 && below > 0 ? "RdBu" : "viridis";
}

function parseColor(hex: string): Rgb {
  const n = Number.parseInt(hex.slice(1), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

/** The colour at t in 0..1 of the plain map. */
export function shadeOf(name: ColormapName, t: number): Rgb {
  if (name !== "grey" && name !== "colour") return RAMPS[name](t);
  const level = Math.round(t * 255);
  return [level, level, level];
}

/** Gamma bends about the middle of a diverging map, from the low end of the others. */
function bend(t: number, shading: Shading): number {
  const turned = shading.invert ? 1 - t : t;
  if (shading.gamma === 1) return turned;
  if (!isDiverging(shading.colormap)) return turned ** shading.gamma;
  const u = 2 * turned - 1;
  return 0.5 + (Math.sign(u) * Math.abs(u) ** shading.gamma) / 2;
}

function pack([r, g, b]: Rgb): number {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

const built = new Map<string, Lut>();

/** The table for these choices; built once for each and shared. */
export function buildLut(shading: Shading): Lut {
  const key = `${shading.colormap} ${shading.gamma} ${shading.invert} ${shading.clipped}`;
  const known = built.get(key);
  if (known) return known;
  const lut = new Uint32Array(POSITIVE_INFINITY_ENTRY + 1);
  for (let i = 0; i < SHADES; i++) {
    lut[FIRST_SHADE + i] = pack(shadeOf(shading.colormap, bend((i + 0.5) / SHADES, shading)));
  }
  const marks = MARKS[shading.colormap];
  lut[NAN_ENTRY] = pack(parseColor(marks.nan));
  lut[NEGATIVE_INFINITY_ENTRY] = pack(parseColor(marks.negative));
  lut[POSITIVE_INFINITY_ENTRY] = pack(parseColor(marks.positive));
  lut[BELOW_ENTRY] = shading.clipped ? pack(parseColor(marks.below)) : (lut[FIRST_SHADE] as number);
  lut[ABOVE_ENTRY] = shading.clipped ? pack(parseColor(marks.above)) : (lut[LAST_SHADE] as number);
  if (built.size > 64) built.clear();
  built.set(key, lut);
  return lut;
}

/** An entry as CSS. */
export function colorOf(lut: Lut, entry: number): string {
  const word = lut[entry] as number;
  return `rgb(${word & 255}, ${(word >> 8) & 255}, ${(word >> 16) & 255})`;
}

/** The table as a CSS gradient, low to high from left to right; `entryAt` says what stands at a share of the way. */
export function cssGradient(
  lut: Lut,
  entryAt = (share: number) => FIRST_SHADE + Math.round(share * (SHADES - 1)),
): string {
  const stops = Array.from({ length: 33 }, (_, i) => colorOf(lut, entryAt(i / 32)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
