/** The choice `Run`. */
import { ready } from "../../data/answers";
import { selectRun } from "../../state/actions";
import { useStore } from "../../state/store";
import { Select } from "../controls";

export function Runs() {
  const store = useStore();
  const chosen = store.run.value ?? "";
  const runs = [...(ready(store.tags.value)?.keys() ?? [])];
  const gone =
    chosen === "" || runs.includes(chosen) ? [] : [{ value: chosen, text: `${chosen}, gone` }];
  return (
    <Select
      label="Run"
      shown
      value={chosen}
      choices={[...gone, ...runs.map((run) => ({ value: run, text: run }))]}
      onChange={(run) => selectRun(store, run)}
    />
  );
}
