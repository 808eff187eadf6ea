/** The input of what is shown: of the one example, or of all of them as the layer shows them. */
import type { LayerView } from "../data/answers";
import type { Pool } from "../data/choices";
import { pooled } from "../data/pool";
import { TileSource } from "../render/planes";
import type { InputView } from "./signals";
import type { Store } from "./store";

export function inputShown(store: Store): TileSource | null {
  const [view, input] = [store.view.value, store.input.value];
  if (!view || !input) return null;
  if (!view.pool) return input.sources[input.example] ?? null;
  return pooledInput(input, view, view.pool);
}

const known = new WeakMap<InputView["sources"], Map<string, TileSource>>();

/** Of the examples that the layer has stored, too. */
function pooledInput({ info, sources }: InputView, view: LayerView, pool: Pool): TileSource | null {
  const places = view.info.examples.map((id) => info.examples.indexOf(id));
  const parts = places.flatMap((place) => sources[place] ?? []);
  const of = known.get(sources) ?? new Map<string, TileSource>();
  known.set(sources, of);
  const key = `${pool} ${places}`;
  const [first] = parts;
  if (!first || of.has(key)) return of.get(key) ?? null;
  for (const part of parts) {
    for (let plane = 0; plane < part.stack.planes; plane++) part.prepare(plane);
  }
  const { half, ...stack } = first.stack;
  const values = pooled(
    parts.map((part) => part.stack.values),
    pool,
  );
  const whole = stack.whole && pool !== "mean";
  of.set(key, new TileSource({ ...stack, values, whole }));
  return of.get(key)!;
}
