/** Single keys, outside fields and without modifiers; the sheet that lists them can switch them off. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import {
  moveLayer,
  moveStep,
  selectExample,
  setOverlay,
  setPlaying,
  setWindow,
  togglePin,
} from "../state/actions";
import { type Store, useStore } from "../state/store";
import { Button } from "./controls";
import { Later } from "./Later";

export function Keyboard() {
  const store = useStore();
  const sheet = useRef<HTMLDialogElement>(null);
  const opened = useSignal(false);
  const open = () => {
    opened.value = true;
    sheet.current?.showModal();
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!store.singleKeys.peek() || sheet.current?.open) return;
      if (event.key === "?" && !inField(event)) open();
      else pressed(store, event);
    };
    const onUp = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "x") store.flipped.value = false;
    };
    document.addEventListener("keydown", onKey);
    document.addEventListener("keyup", onUp);
    return () => {
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("keyup", onUp);
    };
  }, [store]);
  return (
    <>
      <Button label="Keyboard" class="plain" title="Keyboard (?)" onClick={open}>
        <span>? keyboard</span>
      </Button>
      <dialog ref={sheet} class="sheet" aria-labelledby="keyboard-sheet">
        <header>
          <h2 id="keyboard-sheet">Keyboard</h2>
          <Button label="Close" icon="close" onClick={() => sheet.current?.close()} />
        </header>
        {opened.value && <Later part="Keys" />}
      </dialog>
    </>
  );
}

const CELL = "[role=gridcell]";

function inField(event: KeyboardEvent): boolean {
  const { tagName, type } = event.target as HTMLInputElement;
  if (tagName === "SELECT" || tagName === "TEXTAREA") return true;
  return tagName === "INPUT" && !["range", "checkbox", "radio", "button"].includes(type);
}

function pressed(store: Store, event: KeyboardEvent): void {
  if (event.ctrlKey || event.altKey || event.metaKey || inField(event)) return;
  const actions: Record<string, () => void> = {
    ",": () => moveStep(store, -1),
    ".": () => moveStep(store, 1),
    j: () => moveLayer(store, 1),
    k: () => moveLayer(store, -1),
    p: () => setPlaying(store, !store.playing.peek()),
    i: () => setOverlay(store, !store.overlay.peek()),
    o: () => setWindow(store, { markClipped: !store.window.peek().markClipped }),
    f: () => {
      store.sidesHidden.value = !store.sidesHidden.peek();
    },
    x: () => {
      store.flipped.value = store.compare.peek() !== null;
    },
    b: () => {
      togglePin(store, store.channel.peek());
      // The focus goes with the tile.
      if (document.activeElement?.matches(CELL)) {
        setTimeout(() =>
          document.querySelector<HTMLElement>(`${CELL}[aria-selected=true]`)?.focus(),
        );
      }
    },
    g: () => document.querySelector<HTMLElement>(".stepno")?.click(),
    "/": () => document.querySelector<HTMLElement>('[aria-label="Channels to show"]')?.focus(),
  };
  const action = /^[1-9]$/.test(event.key)
    ? () => chooseExample(store, Number(event.key) - 1)
    : actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function chooseExample(store: Store, example: number): void {
  const info = store.info.peek() ?? store.view.peek()?.info;
  const count = info?.examples.length ?? 0;
  if (example < count) selectExample(store, example);
}
