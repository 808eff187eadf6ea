/** Alt and the wheel over a tile turn the slices of a volume. Without Alt the page scrolls, as ever. */
import { useEffect } from "preact/hooks";
import type { Store } from "../state/store";

/** CSS pixels of a trackpad for one slice; a notch of a wheel is one, too. */
const NOTCH = 40;
const LINE = 16;

export function useDepthWheel(store: Store, last: number): void {
  useEffect(() => {
    if (last < 1) return;
    let turned = 0;
    const turn = (event: WheelEvent) => {
      const over = (event.target as Element).closest(".gridwell, .enlarged");
      if (!event.altKey || !over) return;
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode ? LINE : 1);
      turned += Math.min(NOTCH, Math.max(-NOTCH, pixels));
      if (Math.abs(turned) < NOTCH) return;
      const to = store.depth.peek() + Math.sign(turned);
      store.depthWish.value = Math.min(last, Math.max(0, to));
      turned = 0;
    };
    document.addEventListener("wheel", turn, { passive: false });
    return () => document.removeEventListener("wheel", turn);
  }, [store, last]);
}
