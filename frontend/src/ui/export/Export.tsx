/** Take it away: the button, and the panel that is fetched when it is first pressed. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useStore } from "../../state/store";
import { Later } from "../Later";

export function Export() {
  const store = useStore();
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = root.current as HTMLElement;
    const outside = (event: PointerEvent) => {
      if (!element.contains(event.target as Node)) open.value = false;
    };
    const close = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !open.peek()) return;
      event.stopPropagation();
      open.value = false;
      element.querySelector("button")?.focus();
    };
    window.addEventListener("pointerdown", outside);
    element.addEventListener("keydown", close);
    return () => {
      window.removeEventListener("pointerdown", outside);
      element.removeEventListener("keydown", close);
    };
  }, [open]);
  return (
    <div class="export" ref={root}>
      <button
        type="button"
        class="button"
        aria-haspopup="dialog"
        aria-expanded={open.value}
        disabled={store.view.value === null}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        Export
      </button>
      {open.value && store.view.value && (
        <div class="export-panel" role="dialog" aria-label="Export">
          <Later part="Panel" />
        </div>
      )}
    </div>
  );
}
