/**
 * Effects that run at once. `useSignalEffect` waits for the frame after the next, which a slider move
 * must not: what it changes is painted before the event handler returns.
 */
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/**
 * Runs `paint` now, whenever a signal it reads changes, and whenever one of `inputs` does. What it
 * throws is its component's failure, not that of whoever changed the signal.
 */
export function usePaint(paint: () => void, inputs: readonly unknown[] = []): void {
  const latest = useRef(paint);
  latest.current = paint;
  const [, rethrow] = useState(null);
  useLayoutEffect(() => {
    return effect(() => {
      try {
        latest.current();
      } catch (error) {
        rethrow(() => {
          throw error;
        });
      }
    });
  }, [...inputs]);
}
