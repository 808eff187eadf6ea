/** An effect that paints: it runs again when a signal it reads changes, or one of `inputs` does. */
import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";

export function usePaint(paint: () => void, inputs: readonly unknown[]): void {
  useEffect(() => effect(paint), [...inputs]);
}
