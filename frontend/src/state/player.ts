/** Plays the steps four a second, waits for values, and begins again after the last. */
import { effect, untracked } from "@preact/signals";
import { ready } from "../data/answers";
import { positionAt } from "./choose";
import type { Store } from "./store";

const FRAME_MS = 250;

export function play(store: Store): void {
  let timer: ReturnType<typeof setInterval> | undefined;
  effect(() => {
    clearInterval(timer);
    if (store.playing.value) timer = setInterval(() => untracked(() => advance(store)), FRAME_MS);
  });
}

function advance(store: Store): void {
  const index = ready(store.stepIndex.peek());
  const hidden = document.documentElement.clientHeight === 0;
  if (hidden || store.loading.peek() || !index) return;
  const { steps } = index;
  const next = (positionAt(steps, store.step.peek()) + 1) % steps.length;
  store.step.value = steps[next]!.step;
}
