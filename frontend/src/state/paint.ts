/**
 * Effects that run at once. `useSignalEffect` waits for the frame after the next, which a slider move
 * must not: what it changes is painted before the event handler returns.
 */
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Runs `paint` now, whenever a signal it reads changes, and whenever one of `inputs` does. */
export function usePaint(paint: () => void, inputs: readonly unknown[] = []): void {
  const latest = useRef(paint);
  latest.current = paint;
  useLayoutEffect(() => effect(() => latest.current()), [...inputs]);
}
