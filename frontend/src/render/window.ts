/**
 * Which true values the ends of the colormap stand for: limits, and their other faces
 * (brightness and contrast, centre and width, A and B of the inner loop).
 *
 * Each plane has base limits (Auto, min–max, symmetric, typed, or locked over steps). Brightness and
 * contrast move them relatively, so that one slider serves planes of every magnitude.
 */
import type { Span, WindowState } from "../data/choices";
import { cachedAutoLimits } from "./autoLimits";
import { FIRST_SHADE, SHADES } from "./colormap";
import { type LockedLimits, limitsOf, symmetric, unionOf } from "./limits";
import type { TileSource } from "./planes";

/** `out = lut[clamp(stored · a + b)]`, or of the stored value's logarithm. */
export interface Affine {
  readonly a: number;
  readonly b: number;
  readonly log?: boolean;
}

/** On a log scale, the smallest value that is told apart beside the largest. */
const LEAST = 1e-6;

const CONTRAST_OCTAVES = 6;

/** Moves limits: brightness by shares of the full width downwards, contrast by powers of two. */
export function adjust(base: Span, full: Span, brightness: number, contrast: number): Span {
  if (brightness === 0 && contrast === 0) return base;
  const centre = base.lo / 2 + base.hi / 2 - brightness * (full.hi - full.lo);
  const half = ((base.hi - base.lo) / 2) * 2 ** (-CONTRAST_OCTAVES * contrast);
  return { lo: centre - half, hi: centre + half };
}

/** The brightness and contrast that move `base` to `limits`; the inverse of `adjust`. */
export function adjustmentOf(
  limits: Span,
  base: Span,
  full: Span,
): { brightness: number; contrast: number } {
  const shift = base.lo / 2 + base.hi / 2 - (limits.lo / 2 + limits.hi / 2);
  const width = Math.max(limits.hi - limits.lo, (base.hi - base.lo) * 2 ** -20);
  return {
    brightness: shift / (full.hi - full.lo),
    contrast: -Math.log2(width / (base.hi - base.lo)) / CONTRAST_OCTAVES,
  };
}

/** A drag on a tile: to the right widens, upwards brightens; 256 px are one full range. */
export function dragged(
  start: { brightness: number; contrast: number },
  dx: number,
  dy: number,
): { brightness: number; contrast: number } {
  return { brightness: start.brightness - dy / 256, contrast: start.contrast - dx / 256 };
}

/** A and B for stored values: lo falls on the first shade, hi on the last, neither counts as clipped. */
export function affineOf({ lo, hi, log }: Span, scale: number): Affine {
  const at = (value: number) => (log ? Math.log(value / scale) : value / scale);
  const low = at(lo);
  const a = (SHADES * (1 - 1e-6)) / (at(hi) - low);
  const b = FIRST_SHADE + SHADES * 5e-7 - low * a;
  return Number.isFinite(a) && Number.isFinite(b)
    ? { a, b, ...(log && { log }) }
    : { a: 0, b: FIRST_SHADE + SHADES / 2 };
}

interface WindowOptions {
  /** The colormap diverges: Auto centres on zero. */
  readonly diverging: boolean;
  /** Span over all steps by channel id; used where the state is locked. */
  readonly locked?: LockedLimits | null;
  /** Channel ids of the planes, where not every channel was stored. */
  readonly ids?: readonly number[] | null;
  /** What it is compared with: the limits span both sides. */
  readonly other?: OtherSide | null;
  /** Of attributions, how far Auto and Min–max reach: these limits stand about zero whatever is moved. */
  readonly reach?: number | null;
}

/** The values of a second view, by the planes of the first. */
export interface OtherSide {
  readonly source: TileSource;
  /** Its plane of the same channel; undefined where it has none. */
  readonly at: (plane: number) => number | undefined;
}

/** The limits of every plane under one state; planes are worked out when asked. */
export class WindowTable {
  private readonly source: TileSource;
  private readonly state: WindowState;
  private readonly options: WindowOptions;
  /** Of the values that are painted: another source may be seen through these limits. */
  private scale: number;

  constructor(source: TileSource, state: WindowState, options: WindowOptions) {
    this.source = source;
    this.state = state;
    this.options = options;
    this.scale = source.stack.scale;
  }

  /** The same limits for the values of another source. */
  over(source: TileSource): WindowTable {
    const table = new WindowTable(this.source, this.state, this.options);
    table.scale = source.stack.scale;
    return table;
  }

  /** Span before brightness and contrast. */
  base(plane: number): Span {
    const { state } = this;
    const manual = state.range === "manual" ? limitsOf(...state.manual) : null;
    const { reach } = this.options;
    if (typeof reach === "number") return symmetric(manual ?? { lo: 0, hi: reach || 1 });
    if (manual) return manual;
    const scope = state.range === "layer" ? null : plane;
    const locked = this.lockedOf(scope);
    const auto = state.limits === "auto" && !locked;
    const spans = this.sides(scope).map(([source, plane]) => {
      const { min, max } = plane === null ? source.extentOfAll() : source.extent(plane);
      // What is one value has no limits of its own to add to those of the other side.
      return auto && min < max
        ? cachedAutoLimits(source, plane, state.autoLevel)
        : { lo: min, hi: max };
    });
    const { lo, hi } = unionOf(locked ? [locked, ...spans.slice(1)] : spans);
    return this.centred(limitsOf(lo, hi), auto || (locked !== null && state.limits !== "minmax"));
  }

  /** What the sliders' whole way stands for: all values in scope, and the base limits. */
  full(plane: number): Span {
    const base = this.base(plane);
    const { lo, hi } = this.extent(plane);
    const data = this.signed ? symmetric(limitsOf(lo, hi)) : limitsOf(lo, hi);
    return { lo: Math.min(base.lo, data.lo), hi: Math.max(base.hi, data.hi) };
  }

  /** The one value of all in scope: NaN where none is finite, null where they differ. */
  only(plane: number): number | null {
    const locked = this.lockedOf(this.state.range === "channel" ? plane : null);
    const { lo, hi } = locked ?? this.extent(plane);
    return lo < hi ? null : lo;
  }

  /**
   * The limits as they are named. Those of nothing but zeros are a convention until they are moved:
   * what is true is the zero.
   */
  named(plane: number): Span {
    const { range, contrast } = this.state;
    const brightness = this.signed ? 0 : this.state.brightness;
    const moved = range === "manual" || brightness !== 0 || contrast !== 0;
    if (moved || this.only(plane) !== 0) return this.limits(plane);
    return { lo: 0, hi: 0 };
  }

  limits(plane: number): Span {
    const { contrast } = this.state;
    const brightness = this.signed ? 0 : this.state.brightness;
    const base = this.base(plane);
    if (brightness === 0 && contrast === 0) return this.scaled(base, plane);
    return this.scaled(adjust(base, this.full(plane), brightness, contrast), plane);
  }

  /** On a log scale where that is chosen and no value is below zero. */
  private scaled({ lo, hi }: Span, plane: number): Span {
    const linear = !this.state.log || this.options.diverging || !(hi > 0);
    if (linear || this.extent(plane).lo < 0) return { lo, hi };
    return { lo: Math.max(lo, hi * LEAST), hi, log: true };
  }

  affine(plane: number): Affine {
    return affineOf(this.limits(plane), this.scale);
  }

  private get signed(): boolean {
    return typeof this.options.reach === "number";
  }

  /** Of all values in scope, on both sides; NaN where none is finite. */
  private extent(plane: number): Span {
    const spans = this.sides(this.state.range === "channel" ? plane : null).map(([source, at]) => {
      const { min, max } = at === null ? source.extentOfAll() : source.extent(at);
      return { lo: min, hi: max };
    });
    return unionOf(spans);
  }

  /** What the limits are taken from: a plane (null: all) of each side that has it. */
  private sides(scope: number | null): readonly (readonly [TileSource, number | null])[] {
    const { other } = this.options;
    const at = other && (scope === null ? null : other.at(scope));
    const own = [this.source, scope] as const;
    return other && at !== undefined ? [own, [other.source, at]] : [own];
  }

  private centred(limits: Span, followsMap: boolean): Span {
    const wanted = this.state.limits === "symmetric" || (followsMap && this.options.diverging);
    return wanted ? symmetric(limits) : limits;
  }

  private lockedOf(scope: number | null): Span | null {
    const { locked, ids } = this.options;
    if (!this.state.lockSteps || !locked) return null;
    if (scope === null) return locked.layer;
    return locked.channels[ids?.[scope] ?? scope] ?? null;
  }
}
