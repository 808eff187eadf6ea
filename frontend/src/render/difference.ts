/** The difference of two views of the same shape, as a view of its own. */
import type { LayerView } from "../data/answers";

/** Why there is no difference; null where there is one. */
export function differs(a: LayerView, b: LayerView): string | null {
  const [left, right] = [a, b].map((view) => [...view.spatial, view.channels].join("×"));
  if (left !== right) return `No difference: ${left} here, ${right} there`;
  const same = (a.info.channelIds?.join() ?? "") === (b.info.channelIds?.join() ?? "");
  return same ? null : "No difference: other channels were kept there";
}

/** a − b in true values, stored relative to the larger scale so that nothing overflows. */
export function differenceView(a: LayerView, b: LayerView): LayerView {
  const scale = Math.max(a.scale, b.scale);
  const [p, q] = [a.scale / scale, b.scale / scale];
  const values = new Float32Array(a.values.length);
  for (let i = 0; i < values.length; i++) values[i] = a.values[i]! * p - b.values[i]! * q;
  return { ...a, values, scale };
}
