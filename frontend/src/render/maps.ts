/**
 * What the switches make of attribution maps before they are coloured: the sign folded, one target
 * taken off the others, a coarse map enlarged to the input that it covers.
 */
import type { LayerView } from "../data/answers";
import type { Fold } from "../data/maps";
import { holdsMaps } from "../data/view";

/** In force for one view. */
export interface Shaping {
  readonly fold: Fold;
  /** Enlarged by interpolation, else by squares. */
  readonly smooth: boolean;
  /** The plane that is taken off the others; null: none. */
  readonly against: number | null;
}

const made = new WeakMap<LayerView, Map<string, LayerView>>();

/** The maps as they are shown, `[channels, …, height, width]` of the input. */
export function shaped(view: LayerView, shaping: Shaping): LayerView {
  const { fold, smooth, against } = shaping;
  const cut = contrasted(view, against);
  const key = `${fold} ${smooth}`;
  const before = made.get(cut) ?? new Map<string, LayerView>();
  made.set(cut, before);
  const known = before.get(key);
  if (known) return known;
  const large = isCoarse(cut) ? enlarged(cut, smooth) : cut;
  const done = fold === "signed" ? large : withValues(large, large.values.map(FOLD[fold]));
  before.set(key, done);
  return done;
}

const FOLD: Readonly<Record<Exclude<Fold, "signed">, (value: number) => number>> = {
  // A NaN stays what it is.
  relu: (value) => (value < 0 ? 0 : value),
  abs: Math.abs,
};

function withValues(view: LayerView, values: Float32Array, spatial = view.spatial): LayerView {
  const { run, tag, kind, info, example, channels, scale } = view;
  const planeSize = spatial.reduce((product, side) => product * side, 1);
  return { run, tag, kind, info, example, channels, scale, spatial, planeSize, values };
}

const differences = new WeakMap<LayerView, Map<number, LayerView>>();

/** Each plane less that of `against`, whose own is then zero. */
export function contrasted(view: LayerView, against: number | null): LayerView {
  if (against === null) return view;
  const before = differences.get(view) ?? new Map<number, LayerView>();
  differences.set(view, before);
  const known = before.get(against);
  if (known) return known;
  const { values, planeSize } = view;
  const off = values.subarray(against * planeSize, (against + 1) * planeSize);
  const cut = withValues(
    view,
    values.map((value, i) => value - off[i % planeSize]!),
  );
  before.set(against, cut);
  return cut;
}

/** The sides of the input that a map of rows and columns covers; its own where that is not known. */
export function coveredBy({ info, spatial }: LayerView): readonly [number, number] {
  const own = spatial.slice(-2) as unknown as [number, number];
  if (!holdsMaps(info)) return own;
  const covered = info.explained?.grid?.slice(-2) ?? own;
  const [h = own[0], w = own[1]] = covered;
  return h >= own[0] && w >= own[1] ? [h, w] : own;
}

/** Whether the maps are coarser than what they cover. */
export function isCoarse(view: LayerView): boolean {
  return coveredBy(view).join() !== view.spatial.slice(-2).join();
}

/** Planes enlarged to the input: by squares, or between their middles as image libraries do. */
function enlarged(view: LayerView, smooth: boolean): LayerView {
  const [h, w] = view.spatial.slice(-2) as unknown as [number, number];
  const [height, width] = coveredBy(view);
  const rows = axisOf(h, height, smooth);
  const columns = axisOf(w, width, smooth);
  const planes = view.values.length / (h * w);
  const out = new Float32Array(planes * height * width);
  let to = 0;
  for (let plane = 0; plane < planes; plane++) {
    const at = (y: number, x: number) => view.values[plane * h * w + y * w + x]!;
    for (const { low: y, high: z, share: v } of rows) {
      for (const { low: x, high: u, share: t } of columns) {
        out[to++] = mixed(mixed(at(y, x), at(y, u), t), mixed(at(z, x), at(z, u), t), v);
      }
    }
  }
  return withValues(view, out, [...view.spatial.slice(0, -2), height, width]);
}

/** A share of 0 takes nothing of the other value, be it NaN. */
function mixed(a: number, b: number, share: number): number {
  return share === 0 ? a : a * (1 - share) + b * share;
}

interface Place {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

function axisOf(from: number, to: number, smooth: boolean): readonly Place[] {
  return Array.from({ length: to }, (_, i) => {
    const nearest = Math.min(from - 1, Math.floor(((i + 0.5) * from) / to));
    if (!smooth) return { low: nearest, high: nearest, share: 0 };
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(from - 1, low + 1), share: at - low };
  });
}

/** Which cell of the stored map a place of the enlarged one lies in. */
export function cellOf(view: LayerView, x: number, y: number): { x: number; y: number } {
  const [h = 1, w = 1] = view.spatial.slice(-2);
  const [height, width] = coveredBy(view);
  return { x: Math.floor(((x + 0.5) * w) / width), y: Math.floor(((y + 0.5) * h) / height) };
}
