/** The input that a map lies over, of as many rows and columns; null where there is none. */
import type { LayerView } from "../data/answers";
import { coveredBy } from "../render/maps";
import type { Over } from "../render/overlay";
import { sourceOf, type TileSource } from "../render/planes";
import { formOf } from "../render/sample";
import type { Store } from "./store";

export function overOf(store: Store, view: LayerView): Over | null {
  const input = inputOf(store, view);
  if (!input || formOf(input.stack) !== "picture") return null;
  const [height, width] = coveredBy(view);
  const { stack } = input;
  if (stack.height !== height || stack.width !== width) return null;
  return { input, opacity: store.maps.value.opacity };
}

/** The example of the input that a view of the same layer is about; of a volume the slice shown. */
export function inputOf(store: Store, { info, example, spatial }: LayerView): TileSource | null {
  const input = store.input.value;
  const at = input?.info.examples.indexOf(info.examples[example]!) ?? -1;
  const view = input?.views[at];
  if (!input || !view) return null;
  const [depth = 1, own = 1] = [spatial.at(-3), view.spatial.at(-3)];
  if (spatial.length < 3 || view.spatial.length < 3) return input.sources[at]!;
  return sourceOf(view, Math.floor(((store.depth.value + 0.5) * own) / depth));
}
