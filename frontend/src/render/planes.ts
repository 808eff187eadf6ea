/**
 * Planes that know their extent, their values decoded when they are first looked at.
 *
 * Values stay as stored; true value = stored × scale. A `PlaneStack` is `[planes, height, width]`,
 * plane p beginning at `offset + p * stride`, so that one depth of a volume is a view, not a copy.
 */
import type { LayerView } from "../data/answers";
import { planesOf, RGB } from "../data/channels";
import { halves } from "../data/half";

export interface PlaneStack {
  readonly values: Float32Array;
  readonly scale: number;
  readonly planes: number;
  readonly width: number;
  readonly height: number;
  readonly offset: number;
  readonly stride: number;
  /** Bits of half precision, laid out as `values`, which then fill plane by plane on demand. */
  readonly half?: Uint16Array;
  /** Its values are whole numbers. */
  readonly whole?: boolean | undefined;
}

/** Smallest and largest finite value in true units (NaN where none is finite), and counts. */
export interface Extent {
  readonly min: number;
  readonly max: number;
  readonly finite: number;
  readonly nonfinite: number;
  readonly zeros: number;
}

/** Planes laid one after the other: `[planes, height, width]`. */
export function stackOf(
  values: Float32Array,
  shape: { planes: number; height: number; width: number; scale?: number },
): PlaneStack {
  const { planes, height, width, scale = 1 } = shape;
  if (values.length < planes * height * width) {
    throw new RangeError(`${values.length} values do not fill ${planes}×${height}×${width}`);
  }
  return { values, scale, planes, width, height, offset: 0, stride: width * height };
}

/** One depth of `[channels, depth, height, width]`. */
export function depthOf(
  values: Float32Array,
  shape: { channels: number; depth: number; height: number; width: number; scale?: number },
  z: number,
): PlaneStack {
  const { channels, depth, height, width, scale = 1 } = shape;
  if (!(z >= 0 && z < depth)) throw new RangeError(`no depth ${z}; the volume has ${depth}`);
  const size = width * height;
  return { values, scale, planes: channels, width, height, offset: z * size, stride: depth * size };
}

/** Start and end of each run of consecutive values; one run where planes touch. */
export function runsOf(stack: PlaneStack, plane: number | null): [number, number][] {
  const size = stack.width * stack.height;
  if (plane !== null) {
    const start = stack.offset + plane * stack.stride;
    return [[start, start + size]];
  }
  if (stack.stride === size) return [[stack.offset, stack.offset + stack.planes * size]];
  return Array.from({ length: stack.planes }, (_, p) => {
    const start = stack.offset + p * stack.stride;
    return [start, start + size];
  });
}

function extentOf(stack: PlaneStack, plane: number): Extent {
  const { values, scale } = stack;
  const start = stack.offset + plane * stack.stride;
  const end = start + stack.width * stack.height;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let finite = 0;
  let zeros = 0;
  for (let i = start; i < end; i++) {
    const v = values[i] as number;
    if (v - v === 0) {
      finite++;
      if (v === 0) zeros++;
      if (v < min) min = v;
      if (v > max) max = v;
    }
  }
  const nonfinite = end - start - finite;
  if (!finite) return { min: Number.NaN, max: Number.NaN, finite, nonfinite, zeros };
  return { min: min * scale, max: max * scale, finite, nonfinite, zeros };
}

/** A stack with what is learnt about its planes on the way, each computed once and only when asked. */
export class TileSource {
  readonly stack: PlaneStack;
  private readonly extents: (Extent | undefined)[];
  private whole: Extent | undefined;
  private readonly smaller = new Map<number, TileSource>();
  private readonly decoded: Uint8Array | null;

  constructor(stack: PlaneStack) {
    this.stack = stack;
    this.extents = new Array(stack.planes);
    this.decoded = stack.half ? new Uint8Array(stack.planes) : null;
  }

  /** The true value of a pixel; NaN outside. */
  value(plane: number, x: number, y: number): number {
    const { values, scale, width, height, offset, stride, planes } = this.stack;
    if (x < 0 || y < 0 || x >= width || y >= height || plane < 0 || plane >= planes)
      return Number.NaN;
    this.prepare(plane);
    return (values[offset + plane * stride + y * width + x] as number) * scale;
  }

  /** To how many digits its values are written, where others are written to so many. */
  digits(count: number): number {
    return this.stack.whole ? 0 : count;
  }

  /** The true value of a pixel of each plane that a position stands for. */
  values(position: number, x: number, y: number): number[] {
    return planesOf(position).map((plane) => this.value(plane, x, y));
  }

  extent(plane: number): Extent {
    if (plane === RGB) return this.extentOfAll();
    let extent = this.extents[plane];
    if (!extent) {
      this.prepare(plane);
      extent = extentOf(this.stack, plane);
      this.extents[plane] = extent;
    }
    return extent;
  }

  nonfinite(plane: number): number {
    return this.extent(plane).nonfinite;
  }

  /** True where every value of this plane is exactly zero. */
  silent(plane: number): boolean {
    const { min, max, nonfinite } = this.extent(plane);
    return min === 0 && max === 0 && nonfinite === 0;
  }

  extentOfAll(): Extent {
    if (this.whole) return this.whole;
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    let finite = 0;
    let nonfinite = 0;
    let zeros = 0;
    for (let plane = 0; plane < this.stack.planes; plane++) {
      const one = this.extent(plane);
      if (one.min < min) min = one.min;
      if (one.max > max) max = one.max;
      finite += one.finite;
      nonfinite += one.nonfinite;
      zeros += one.zeros;
    }
    this.whole = finite
      ? { min, max, finite, nonfinite, zeros }
      : { min: Number.NaN, max: Number.NaN, finite, nonfinite, zeros };
    return this.whole;
  }

  /**
   * The stack at 1/factor: means of blocks. A NaN or infinity in a block wins over its neighbours,
   * so that a single one never vanishes. Planes are filled when they are first painted.
   */
  reduced(factor: number): TileSource {
    if (factor <= 1) return this;
    let small = this.smaller.get(factor);
    if (!small) {
      small = new ReducedSource(this, factor);
      this.smaller.set(factor, small);
    }
    return small;
  }

  /** Makes the values of a plane ready to be read off the stack. */
  prepare(plane: number): void {
    const { half, values, offset, stride, width, height } = this.stack;
    if (!half || !this.decoded || this.decoded[plane]) return;
    this.decoded[plane] = 1;
    const table = halves();
    const start = offset + plane * stride;
    for (let i = start; i < start + width * height; i++) {
      values[i] = table[half[i] as number] as number;
    }
  }
}

interface Sources {
  /** The view's own values, or room for those of half precision, shared by all depths. */
  readonly values: Float32Array;
  readonly byDepth: Map<number, TileSource>;
}

/** By view and no longer than it: what is decoded goes with the view, the bits stay cached. */
const sources = new WeakMap<LayerView, Sources>();

/** The planes of what the grid shows, one for each stored channel; z chooses the depth of a volume. */
export function sourceOf(view: LayerView, z = 0): TileSource {
  let known = sources.get(view);
  if (!known) {
    const values = view.half ? new Float32Array(view.half.length) : view.values;
    known = { values, byDepth: new Map() };
    sources.set(view, known);
  }
  const { values, byDepth } = known;
  const { half, scale, channels, spatial } = view;
  const [height = 1, width = 1] = spatial.length === 1 ? [1, spatial[0]] : spatial.slice(-2);
  const depth = spatial.length > 2 ? (spatial[0] as number) : 1;
  const at = Math.min(Math.max(0, z), Math.max(0, depth - 1));
  let source = byDepth.get(at);
  if (!source) {
    const shape = { channels, depth, height, width, scale };
    const stack =
      depth > 1 ? depthOf(values, shape, at) : stackOf(values, { ...shape, planes: channels });
    const whole = view.info.whole && view.pool !== "mean";
    source = new TileSource(half ? { ...stack, half, whole } : { ...stack, whole });
    byDepth.set(at, source);
  }
  return source;
}

class ReducedSource extends TileSource {
  private readonly full: TileSource;
  private readonly factor: number;
  private readonly ready: Uint8Array;

  constructor(full: TileSource, factor: number) {
    const { planes, scale, ...size } = full.stack;
    const width = Math.ceil(size.width / factor);
    const height = Math.ceil(size.height / factor);
    super(stackOf(new Float32Array(planes * width * height), { planes, width, height, scale }));
    this.full = full;
    this.factor = factor;
    this.ready = new Uint8Array(planes);
  }

  override prepare(plane: number): void {
    if (this.ready[plane]) return;
    this.ready[plane] = 1;
    this.full.prepare(plane);
    reducePlane(this.full.stack, plane, this.factor, this.stack);
  }
}

function reducePlane(from: PlaneStack, plane: number, factor: number, to: PlaneStack): void {
  const start = from.offset + plane * from.stride;
  for (let y = 0; y < to.height; y++) {
    const bottom = Math.min(from.height, (y + 1) * factor);
    for (let x = 0; x < to.width; x++) {
      const right = Math.min(from.width, (x + 1) * factor);
      let sum = 0;
      for (let v = y * factor; v < bottom; v++) {
        const row = start + v * from.width;
        for (let u = x * factor; u < right; u++) sum += from.values[row + u] as number;
      }
      const count = (bottom - y * factor) * (right - x * factor);
      to.values[to.offset + plane * to.stride + y * to.width + x] = sum / count;
    }
  }
}
