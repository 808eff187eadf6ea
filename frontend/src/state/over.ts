/** The input that a map lies over, of as many rows and columns; null where there is none. */
import type { ReadonlySignal } from "@preact/signals";
import type { LayerView } from "../data/answers";
import { coveredBy } from "../render/maps";
import type { Over } from "../render/overlay";
import { sourceOf, type TileSource } from "../render/planes";
import { formOf } from "../render/sample";
import type { Chosen } from "./chosen";
import type { State } from "./signals";

/** What is chosen and in force, and the slice that is shown of a volume. */
export type Seen = State &
  Pick<Chosen, "input" | "pixel"> & { readonly depth: ReadonlySignal<number> };

export function overOf(store: Seen, view: LayerView): Over | null {
  const input = inputOf(store, view);
  if (!input || formOf(input.stack) !== "picture") return null;
  const [height, width] = coveredBy(view);
  const { stack } = input;
  if (stack.height !== height || stack.width !== width) return null;
  return { input, opacity: store.maps.value.opacity };
}

/** The example of the input that a view of the same layer is about; of a volume the slice shown. */
export function inputOf(store: Seen, { info, example, spatial }: LayerView): TileSource | null {
  const input = store.input.value;
  const at = input?.info.examples.indexOf(info.examples[example]!) ?? -1;
  const view = input?.views[at];
  if (!input || !view) return null;
  const [depth = 1, own = 1] = [spatial.at(-3), view.spatial.at(-3)];
  if (spatial.length < 3 || view.spatial.length < 3) return input.sources[at]!;
  return sourceOf(view, Math.floor(((store.depth.value + 0.5) * own) / depth));
}
