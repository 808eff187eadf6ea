/** What the viewer can do: each action writes the store once. */
import { batch } from "@preact/signals";
import { DEFAULT_WINDOW, type Pixel, type Triage, type WindowState } from "../data/types";
import type { Hover, Store } from "./store";

export function setWindow(store: Store, change: Partial<WindowState>): void {
  store.window.value = { ...store.window.peek(), ...change };
}

/** Back to the limits' own ends: brightness, contrast and gamma; what is chosen stays. */
export function resetWindow(store: Store): void {
  const { range, lockSteps, colormap } = store.window.peek();
  store.window.value = {
    ...DEFAULT_WINDOW,
    range: range === "manual" ? "channel" : range,
    lockSteps,
    colormap,
  };
}

export function setTriage(store: Store, change: Partial<Triage>): void {
  store.triage.value = { ...store.triage.peek(), ...change };
}

export function selectChannel(store: Store, position: number): void {
  store.channel.value = position;
}

export function setHover(store: Store, hover: Hover | null): void {
  store.hover.value = hover;
}

export function markPixel(store: Store, pixel: Pixel | null): void {
  store.pixel.value = pixel;
}

/** A move by hand: following the last step and playing end. */
export function goToStep(store: Store, step: number): void {
  batch(() => {
    store.follow.value = false;
    store.step.value = step;
  });
}

export function selectLayer(store: Store, tag: string, step?: number): void {
  batch(() => {
    store.layer.value = tag;
    if (step !== undefined) goToStep(store, step);
  });
}

export function selectRun(store: Store, run: string): void {
  store.run.value = run;
}

/** `example` is a position among those stored. */
export function selectExample(store: Store, example: number): void {
  store.example.value = example;
}
