/** The choice `Run`: a select where there are a few, a list that filters where there are many. */
import { ready } from "../../data/answers";
import { selectRun } from "../../state/actions";
import { runEntries } from "../../state/runs";
import { useStore } from "../../state/store";
import { Select } from "../controls";
import { RunList } from "./RunList";

const FEW = 8;

export function Runs() {
  const store = useStore();
  const chosen = store.run.value ?? "";
  const entries = runEntries(ready(store.tags.value) ?? new Map());
  const gone = chosen !== "" && !entries.some(({ run }) => run === chosen);
  if (entries.length > FEW) return <RunList entries={entries} gone={gone} />;
  const runs = entries.map(({ run }) => ({ value: run, text: run }));
  return (
    <Select
      label="Run"
      shown
      value={chosen}
      choices={gone ? [{ value: chosen, text: `${chosen}, gone` }, ...runs] : runs}
      onChange={(run) => selectRun(store, run)}
    />
  );
}
