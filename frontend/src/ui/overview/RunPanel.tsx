/** What the list of runs holds: a field that filters, and the runs, newest first. */
import { useComputed, useSignal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { selectRun } from "../../state/actions";
import { matchingRuns, type RunEntry, whenText } from "../../state/runs";
import { useStore } from "../../state/store";
import { LayerName } from "./LayerName";

/** CSS pixels for a name. */
const IN_LIST = 280;

interface PanelProps {
  readonly entries: readonly RunEntry[];
  readonly onClose: () => void;
}

export function RunPanel({ entries, onClose }: PanelProps) {
  const store = useStore();
  const id = useId();
  const search = useSignal("");
  const input = useRef<HTMLInputElement>(null);
  const found = useComputed(() => matchingRuns(entries, search.value, store.runHealth.value)).value;
  // Where the keyboard is: on the chosen run, once something is typed on the first found.
  const at = useSignal(entries.findIndex(({ run }) => run === store.run.value));
  const active = Math.max(0, Math.min(at.value, found.length - 1));
  // At once: what is typed before would press the button, and a space would close the list.
  useLayoutEffect(() => input.current?.focus(), []);
  useLayoutEffect(() => {
    document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: "nearest" });
  }, [id, active]);
  const choose = (entry: RunEntry | undefined) => {
    if (!entry) return;
    selectRun(store, entry.run);
    onClose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, () => void> = {
      ArrowDown: () => (at.value = Math.min(active + 1, found.length - 1)),
      ArrowUp: () => (at.value = Math.max(active - 1, 0)),
      Enter: () => choose(found[active]),
      Escape: onClose,
      Tab: onClose,
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  };
  return (
    <>
      <input
        ref={input}
        class="field"
        type="text"
        role="combobox"
        aria-label="Find a run"
        aria-expanded="true"
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={found.length > 0 ? `${id}-${active}` : undefined}
        placeholder={`Find in ${entries.length} runs, or “dead”, “not finite”`}
        value={search.value}
        onInput={(event) => {
          search.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <div id={id} role="listbox" aria-label="Runs">
        {found.map((entry, i) => (
          <Option
            key={entry.run}
            id={`${id}-${i}`}
            entry={entry}
            search={search.value}
            active={i === active}
            onChoose={() => choose(entry)}
          />
        ))}
      </div>
      {found.length === 0 && <p class="muted">No run has that in its name</p>}
    </>
  );
}

interface OptionProps {
  readonly id: string;
  readonly entry: RunEntry;
  readonly search: string;
  readonly active: boolean;
  readonly onChoose: () => void;
}

function Option({ id, entry, search, active, onChoose }: OptionProps) {
  const store = useStore();
  const { run, written } = entry;
  const health = store.runHealth.value.get(run);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the focus and its keys
    <div
      id={id}
      role="option"
      tabIndex={-1}
      title={run}
      class={active ? "active" : ""}
      aria-selected={run === store.run.value}
      onClick={onChoose}
    >
      <span class="name">
        <LayerName name={run} search={search} room={IN_LIST} />
      </span>
      <span class={`badge ${health?.kind ?? ""}`} title={health?.title}>
        {health?.text}
      </span>
      <span class="muted">{whenText(written, new Date())}</span>
    </div>
  );
}
