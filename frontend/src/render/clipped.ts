/** How much of what is shown lies outside of the limits. */
import type { Span } from "../data/choices";
import type { TileSource } from "./planes";

/**
 * The share of the finite values of all planes outside of each plane's limits; 0 where there are none. It looks at
 * all values, so it stops after each plane: who calls it goes on when there is time.
 */
export function* clippedShare(
  source: TileSource,
  limitsOf: (plane: number) => Span,
): Generator<void, number> {
  const { values, scale, planes, offset, stride, width, height } = source.stack;
  let [outside, finite] = [0, 0];
  for (let plane = 0; plane < planes; plane++) {
    const { lo, hi } = limitsOf(plane);
    const extent = source.extent(plane);
    finite += extent.finite;
    if (!(extent.min < lo || extent.max > hi)) continue;
    const [low, high] = [lo / scale, hi / scale];
    const start = offset + plane * stride;
    for (let i = start; i < start + width * height; i++) {
      const v = values[i] as number;
      if (v - v === 0 && (v < low || v > high)) outside++;
    }
    yield;
  }
  return finite > 0 ? outside / finite : 0;
}
