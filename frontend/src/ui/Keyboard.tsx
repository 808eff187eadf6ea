/** Single keys, outside fields and without modifiers; the sheet that lists them can switch them off. */
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
import { Button, Checkbox } from "./controls";

const SHEET: readonly (readonly [string, string])[] = [
  [", .", "previous, next step"],
  ["j k", "next, previous layer"],
  ["1 … 9", "example"],
  ["p", "play"],
  ["/", "channels to show"],
  ["g", "type a step"],
  ["Alt + wheel", "over a tile: the slice of a volume"],
  ["b", "pin the channel: it stands first"],
  ["Ctrl+C", "copy the value of the marked pixel, and where it is"],
  ["i", "input over the enlarged tile; maps over the input"],
  ["o", "mark clipped pixels"],
  ["X", "hold: flip the two that are compared"],
  ["f", "hide the side columns"],
  ["← ↑ → ↓", "in the grid: channel"],
  ["Shift + arrows", "in the grid: marked pixel"],
  ["Home End", "first, last of a row; with Ctrl of all"],
  ["Esc", "cancel a drag, close"],
  ["?", "this sheet"],
];

export function Keyboard() {
  const store = useStore();
  const sheet = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!store.singleKeys.peek() || sheet.current?.open) return;
      if (event.key === "?" && !inField(event)) sheet.current?.showModal();
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
      <Button
        label="Keyboard"
        class="plain"
        title="Keyboard (?)"
        onClick={() => sheet.current?.showModal()}
      >
        <span>? keyboard</span>
      </Button>
      <dialog ref={sheet} class="sheet" aria-labelledby="keyboard-sheet">
        <header>
          <h2 id="keyboard-sheet">Keyboard</h2>
          <Button label="Close" icon="close" onClick={() => sheet.current?.close()} />
        </header>
        <dl>
          {SHEET.flatMap(([keys, what]) => [
            <dt key={keys}>
              {keys.includes(" + ") || keys.includes("…") ? (
                <kbd>{keys}</kbd>
              ) : (
                keys.split(" ").map((key) => <kbd key={key}>{key}</kbd>)
              )}
            </dt>,
            <dd key={what}>{what}</dd>,
          ])}
        </dl>
        <Checkbox
          label="Single keys"
          title="Switch off if they get in the way of speech input"
          checked={store.singleKeys.value}
          onChange={(on) => {
            store.singleKeys.value = on;
          }}
        />
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
