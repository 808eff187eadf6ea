/** Which values that are no number a plane has: NaN and the infinities are told apart by looking. */
import { RGB } from "../data/channels";
import type { ColormapName } from "../data/choices";
import { marksOf } from "./colormap";
import { runsOf, type TileSource } from "./planes";

export interface Nonfinite {
  readonly nan: boolean;
  readonly positive: boolean;
  readonly negative: boolean;
}

/** The colours of those that there are, as a legend names them. */
export function marksIn(
  { nan, positive, negative }: Nonfinite,
  colormap: ColormapName,
): readonly { readonly color: string; readonly text: string }[] {
  const marks = marksOf(colormap);
  return [
    ...(nan ? [{ color: marks.nan, text: "NaN" }] : []),
    ...(positive ? [{ color: marks.positive, text: "+Inf" }] : []),
    ...(negative ? [{ color: marks.negative, text: "−Inf" }] : []),
  ];
}

const found = new WeakMap<TileSource, Map<number | null, Nonfinite>>();

/** Of one plane (or RGB), or null: of all; looked for once, and only where the extent counts any. */
export function nonfiniteOf(source: TileSource, position: number | null): Nonfinite {
  const known = found.get(source) ?? new Map<number | null, Nonfinite>();
  found.set(source, known);
  const kinds = known.get(position) ?? look(source, position);
  known.set(position, kinds);
  return kinds;
}

function look(source: TileSource, position: number | null): Nonfinite {
  const all = position === null || position === RGB;
  const { nonfinite } = all ? source.extentOfAll() : source.extent(position);
  let [nan, positive, negative] = [false, false, false];
  for (const [start, end] of nonfinite > 0 ? runsOf(source.stack, all ? null : position) : []) {
    for (let i = start; i < end; i++) {
      const value = source.stack.values[i]!;
      if (value - value === 0) continue;
      if (Number.isNaN(value)) nan = true;
      else if (value > 0) positive = true;
      else negative = true;
    }
  }
  return { nan, positive, negative };
}
