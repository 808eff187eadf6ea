/** "step 40": a press makes it a field, and the step typed (or the one nearest to it) is shown. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { goToNearest } from "../state/actions";
import { useStore } from "../state/store";

export function StepField({ step }: { readonly step: number }) {
  const store = useStore();
  const open = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const wrong = useSignal(false);
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, [open.value]);
  const onKeyDown = (event: KeyboardEvent) => {
    const { key } = event;
    if (key !== "Enter" && key !== "Escape") return;
    const text = (event.currentTarget as HTMLInputElement).value.trim();
    wrong.value = key === "Enter" && !/^-?\d+$/.test(text);
    if (wrong.value) return;
    event.stopPropagation();
    // Else the button, which has the focus then, is pressed by the same key.
    event.preventDefault();
    if (key === "Enter") goToNearest(store, Number(text));
    button.current!.hidden = false;
    button.current!.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="link stepno"
        title="Type a step (g)"
        hidden={open.value}
        onClick={() => {
          open.value = true;
        }}
      >
        <strong>step {step}</strong>
      </button>
      {open.value && (
        <input
          ref={field}
          class="field"
          inputMode="numeric"
          size={8}
          aria-label="Step to show"
          aria-invalid={wrong.value}
          defaultValue={String(step)}
          onKeyDown={onKeyDown}
          onBlur={() => {
            open.value = false;
          }}
        />
      )}
    </>
  );
}
