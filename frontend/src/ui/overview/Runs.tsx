/** The choice `Run`. */
import { ready } from "../../data/answers";
import { selectRun } from "../../state/actions";
import { useStore } from "../../state/store";
import { Select } from "../controls";

export function Runs() {
  const store = useStore();
  const runs = [...(ready(store.tags.value)?.keys() ?? [])];
  return (
    <Select
      label="Run"
      shown
      value={store.run.value ?? ""}
      choices={runs.map((run) => ({ value: run, text: run }))}
      onChange={(run) => selectRun(store, run)}
    />
  );
}
