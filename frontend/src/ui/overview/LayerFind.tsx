/** Which layers are listed and in which order: a search, chips with their counts, and what they leave. */
import type { LayerOverview, Overview } from "../../data/answers";
import { healthAt } from "../../state/choose";
import { type Chip, chipsOf, isListed } from "../../state/layerFilter";
import type { LayerOrder } from "../../state/signals";
import { useStore } from "../../state/store";
import { Select } from "../controls";

const ORDERS: readonly { value: LayerOrder; text: string }[] = [
  { value: "model", text: "Model order" },
  { value: "problems", text: "Problems first" },
  { value: "change", text: "Most changed first" },
];

const NAMES: Record<Chip, string> = {
  activation: "layers",
  input: "inputs",
  attribution: "maps",
  nonfinite: "non-finite",
  dead: "dead",
  constant: "const",
};

export function LayerFind({ overview }: { readonly overview: Overview }) {
  const store = useStore();
  const { layerFilter, layerOrder } = store;
  const { search, only } = layerFilter.value;
  const layers = [...overview.layers.values()];
  const at = (layer: LayerOverview) => healthAt(overview, layer, store.step.value);
  const listed = layers.filter((layer) => isListed(layer, at(layer), layerFilter.value)).length;
  const press = (chip: Chip) => {
    const rest = only.filter((one) => one !== chip);
    const next = rest.length < only.length ? rest : [...only, chip];
    layerFilter.value = { search, only: next };
  };
  return (
    <>
      <div class="layerfind">
        <input
          class="field"
          type="search"
          aria-label="Search layers"
          placeholder="Search layers"
          value={search}
          onInput={(event) => {
            layerFilter.value = { search: event.currentTarget.value, only };
          }}
        />
        <Select
          label="Order of layers"
          value={layerOrder.value}
          choices={ORDERS}
          onChange={(order) => {
            layerOrder.value = order as LayerOrder;
          }}
        />
      </div>
      <div class="chips" role="group" aria-label="Layers listed">
        {chipsOf(layers, at, layerFilter.value).map(({ chip, count }) => (
          <button
            key={chip}
            type="button"
            class="button"
            aria-pressed={only.includes(chip)}
            onClick={() => press(chip)}
          >
            {NAMES[chip]} {count}
          </button>
        ))}
        {listed < layers.length && (
          <button
            type="button"
            class="link"
            onClick={() => {
              layerFilter.value = { search: "", only: [] };
            }}
          >
            {listed} of {layers.length}: show all
          </button>
        )}
      </div>
    </>
  );
}
