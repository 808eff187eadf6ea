/** The single keys, and the switch that turns them off: what the sheet holds. */
import { useStore } from "../state/store";
import { Checkbox } from "./controls";

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

export function Keys() {
  const store = useStore();
  return (
    <>
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
    </>
  );
}
