/** Limits that were set on another layer or step may leave next to nothing between them: that is said. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { clippedShare } from "../../render/clipped";
import { formatShare } from "../../render/format";
import { pressAuto } from "../../state/actions";
import { useStore } from "../../state/store";
import { inSlices } from "./slices";

/** From here on it is worth a word. */
const MUCH = 0.5;

export function Clipped() {
  const store = useStore();
  const share = useSignal(0);
  useSignalEffect(() => {
    const shown = store.shown.value;
    const { range, lockSteps, brightness, contrast } = store.window.value;
    const own = range !== "manual" && !lockSteps && brightness === 0 && contrast === 0;
    if (own || !shown || store.coloured.peek() || shown.signed) {
      share.value = 0;
      return;
    }
    const limitsAt = (plane: number) => {
      const { lo, hi, log } = shown.table.limits(plane);
      return { lo: log ? 0 : lo, hi };
    };
    return inSlices(clippedShare(shown.source, limitsAt), (found) => {
      share.value = found;
    });
  });
  if (share.value < MUCH) return null;
  return (
    <span class="clipped" aria-live="polite">
      {formatShare(share.value)} clipped{" "}
      <button
        type="button"
        class="link"
        title="Limits of what is shown"
        onClick={() => pressAuto(store)}
      >
        Auto
      </button>
    </span>
  );
}
