/** Many runs: a button with the chosen one's name, and a list that filters, newest first. */
import { useEffect, useRef } from "preact/hooks";
import type { RunEntry } from "../../state/runs";
import { useStore } from "../../state/store";
import { Later } from "../Later";
import { LayerName } from "./LayerName";

/** CSS pixels for the name in the button. */
const IN_BUTTON = 190;

interface RunListProps {
  readonly entries: readonly RunEntry[];
  /** Whether the chosen run is no longer there. */
  readonly gone: boolean;
}

export function RunList({ entries, gone }: RunListProps) {
  const store = useStore();
  const root = useRef<HTMLDivElement>(null);
  const open = store.runsOpen;
  const chosen = store.run.value ?? "";
  const close = () => {
    open.value = false;
    root.current?.querySelector("button")?.focus();
  };
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) open.value = false;
    };
    window.addEventListener("pointerdown", outside);
    return () => {
      window.removeEventListener("pointerdown", outside);
      open.value = false;
    };
  }, [open]);
  return (
    <div class="labelled runs" ref={root}>
      <span aria-hidden="true">Run</span>
      <button
        type="button"
        class="select"
        aria-label={`Run ${chosen}`}
        aria-haspopup="listbox"
        aria-expanded={open.value}
        title={chosen}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <LayerName name={gone ? `${chosen}, gone` : chosen} search="" room={IN_BUTTON} />
      </button>
      {open.value && (
        <div class="runpanel">
          <Later part="RunPanel" entries={entries} onClose={close} />
        </div>
      )}
    </div>
  );
}
