/** The window's two ends as numbers, to read and to type. */
import { useComputed, useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { setWindow } from "../../state/actions";
import { selectedOf, spanText, useSelected } from "../../state/selected";
import { type Store, useStore } from "../../state/store";
import { parseLimit } from "./ends";

export function Limits() {
  return (
    <div class="ends">
      <End name="Minimum" index={0} />
      <End name="Maximum" index={1} />
    </div>
  );
}

/** One limit in real values; typing one sets both for all channels. */
function End({ name, index }: { name: string; index: 0 | 1 }) {
  const store = useStore();
  const selected = useSelected(store);
  const draft = useSignal<string | null>(null);
  const wrong = useSignal<string | null>(null);
  const shown = useComputed(
    () => draft.value ?? (selected.value ? spanText(selected.value)[index] : ""),
  );
  const commit = () => {
    const text = draft.peek();
    if (text === null) return;
    wrong.value = typeLimit(store, index, text);
    if (wrong.value === null) draft.value = null;
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter") commit();
    if (event.key === "Escape") {
      event.stopPropagation();
      draft.value = null;
      wrong.value = null;
    }
  };
  const id = useId();
  return (
    <div class="end">
      <input
        class="field"
        type="text"
        inputMode="decimal"
        autocomplete="off"
        spellcheck={false}
        aria-label={name}
        aria-invalid={wrong.value !== null}
        aria-describedby={wrong.value === null ? undefined : id}
        title={index === 0 ? "Value of the first colour" : "Value of the last colour"}
        value={shown}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
        }}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={() => {
          commit();
          draft.value = null;
          wrong.value = null;
        }}
        onKeyDown={key}
      />
      {wrong.value !== null && (
        <span class="wrong" role="alert" id={id}>
          {wrong.value}
        </span>
      )}
    </div>
  );
}

/** Sets a typed limit; what is wrong with it, or null. */
function typeLimit(store: Store, index: 0 | 1, text: string): string | null {
  const selected = selectedOf(store);
  const value = parseLimit(text);
  if (value === null) return `“${text.trim()}” is not a number`;
  if (!selected) return null;
  if (selected.shown.signed) {
    if (value === 0) return "the bound must not be 0";
    setWindow(store, { range: "manual", manual: [-Math.abs(value), Math.abs(value)], contrast: 0 });
    return null;
  }
  const { lo, hi } = selected.named;
  const limits = index === 0 ? { lo: value, hi } : { lo, hi: value };
  if (!(limits.lo < limits.hi)) return "minimum must be below maximum";
  const manual = [limits.lo, limits.hi] as const;
  setWindow(store, { range: "manual", manual, brightness: 0, contrast: 0 });
  return null;
}
