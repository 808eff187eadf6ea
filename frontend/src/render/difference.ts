/** The difference of two views of the same shape, as a view of its own; which views can be compared. */
import type { LayerView } from "../data/answers";
import type { CompareMode } from "../data/choices";

/**
 * Why a second view cannot stand with the first; null where it can. Tiles stand beside each other by
 * channel, so that one of them may be missing; all else takes the same channels.
 */
export function misfit(a: LayerView, b: LayerView, mode: CompareMode): string | null {
  const beside = mode === "beside" && a.spatial.length > 1;
  const [left, right] = [a, b].map((view) => [...view.spatial, view.channels].join("×"));
  const sides = a.spatial.join() === b.spatial.join();
  if (!sides || (!beside && left !== right)) return `${left} here, ${right} there`;
  const same = (a.info.channelIds?.join() ?? "") === (b.info.channelIds?.join() ?? "");
  return same || beside ? null : "other channels were kept there";
}

/** a − b in true values, stored relative to the larger scale so that nothing overflows. */
export function differenceView(a: LayerView, b: LayerView): LayerView {
  const scale = Math.max(a.scale, b.scale);
  const [p, q] = [a.scale / scale, b.scale / scale];
  const values = new Float32Array(a.values.length);
  for (let i = 0; i < values.length; i++) values[i] = a.values[i]! * p - b.values[i]! * q;
  return { ...a, values, scale };
}
