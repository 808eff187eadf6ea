/**
 * Under 1000 px the left column becomes selects and the health line; its pictures, the answer and the
 * layers' strips are a press away.
 */
import { useSignal } from "@preact/signals";
import { selectLayer } from "../state/actions";
import { useStore } from "../state/store";
import { Select } from "./controls";
import { Guard } from "./Guard";
import { Health } from "./overview/Health";
import { ExampleChoice, InputCard } from "./overview/InputCard";
import { Layers } from "./overview/LayerTree";
import { Runs } from "./overview/Runs";

export function Narrow() {
  const store = useStore();
  const open = useSignal(false);
  const layers = [...(store.layers.value?.layers.keys() ?? [])];
  return (
    <div class="compact">
      <Runs />
      <Select
        label="Layer"
        shown
        value={store.layer.value ?? ""}
        choices={layers.map((tag) => ({ value: tag, text: tag }))}
        onChange={(tag) => selectLayer(store, tag)}
      />
      {!open.value && <ExampleChoice shown />}
      <button
        type="button"
        class="button"
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        Input and layers
      </button>
      <Health />
      {open.value && (
        <div class="unfolded">
          <Guard name="input">
            <InputCard />
          </Guard>
          <Guard name="layers">
            <Layers />
          </Guard>
        </div>
      )}
    </div>
  );
}
