/** Under 1000 px the left column becomes selects and the health line. */
import { selectLayer } from "../state/actions";
import { useStore } from "../state/store";
import { Select } from "./controls";
import { Health } from "./overview/Health";
import { ExampleChoice } from "./overview/InputCard";
import { Runs } from "./overview/Runs";

export function Narrow() {
  const store = useStore();
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
      <ExampleChoice shown />
      <Health />
    </div>
  );
}
