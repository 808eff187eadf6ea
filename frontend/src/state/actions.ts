/** What the viewer can do: each action writes the store once. */
import { batch } from "@preact/signals";
import { ready } from "../data/answers";
import { channelId, RGB } from "../data/channels";
import {
  type CompareState,
  DEFAULT_WINDOW,
  type Pixel,
  type Triage,
  type WindowState,
} from "../data/choices";
import type { MapChoice } from "../data/maps";
import { nextAutoLevel } from "../render/autoLimits";
import { nearestStep, positionAt } from "./choose";
import { say, unsay } from "./notices";
import type { Hover } from "./signals";
import type { Store } from "./store";

export function setWindow(store: Store, change: Partial<WindowState>): void {
  const before = store.window.peek();
  batch(() => {
    store.window.value = { ...before, ...change };
    // Other values are in scope: the histogram spans them all again.
    if (change.range !== undefined && change.range !== before.range) store.axis.value = null;
  });
}

/** As ImageJ: each press clips tighter. */
export function pressAuto(store: Store): void {
  const { limits, autoLevel, range, brightness, contrast } = store.window.peek();
  const moved = limits !== "auto" || range === "manual" || brightness !== 0 || contrast !== 0;
  setWindow(store, {
    limits: "auto",
    autoLevel: moved ? 0 : nextAutoLevel(autoLevel),
    range: range === "manual" ? "channel" : range,
    brightness: 0,
    contrast: 0,
  });
}

/** Back to the defaults of the window; what is chosen of range, lock and colormap stays. */
export function resetWindow(store: Store): void {
  const { range, lockSteps, colormap, markClipped, linearCounts, log } = store.window.peek();
  setWindow(store, {
    ...DEFAULT_WINDOW,
    range: range === "manual" ? "channel" : range,
    lockSteps,
    colormap,
    markClipped,
    linearCounts,
    log,
  });
}

export function setTriage(store: Store, change: Partial<Triage>): void {
  store.triage.value = { ...store.triage.peek(), ...change };
}

/** `position` counts the channels stored; RGB is all three of a picture. */
export function selectChannel(store: Store, position: number): void {
  const view = store.view.peek();
  if (view) store.channelWish.value = { id: channelId(view.info, position), layer: view.tag };
  unsay(store, "link");
}

/** Pins a channel of the layer shown, or takes its pin away. */
export function togglePin(store: Store, position: number | null): void {
  const view = store.view.peek();
  if (!view || position === null || position === RGB) return;
  const id = channelId(view.info, position);
  const { [view.tag]: before = [], ...others } = store.pins.peek();
  const now = before.includes(id) ? before.filter((one) => one !== id) : [...before, id];
  store.pins.value = now.length > 0 ? { ...others, [view.tag]: now } : others;
}

/** A map of any example of the record. */
export function selectMap(store: Store, example: number, position: number): void {
  batch(() => {
    selectExample(store, example);
    selectChannel(store, position);
  });
}

export function setMaps(store: Store, change: Partial<MapChoice>): void {
  store.maps.value = { ...store.maps.peek(), ...change };
}

export function setHover(store: Store, hover: Hover | null): void {
  store.pointed.value = hover;
}

export function markPixel(store: Store, pixel: Pixel | null): void {
  store.pixelWish.value = pixel;
}

export function setOverlay(store: Store, overlay: boolean): void {
  store.overlay.value = overlay;
}

/** A move by hand: following the last step ends, and so does playing. */
export function goToStep(store: Store, step: number): void {
  batch(() => {
    store.follow.value = false;
    store.playing.value = false;
    store.step.value = step;
    unsay(store, "link", "step");
  });
}

/** The step that was typed; where it was not logged the nearest, which is said. */
export function goToNearest(store: Store, step: number): void {
  const steps = ready(store.stepIndex.peek())?.steps ?? [];
  if (steps.length === 0) return;
  const nearest = nearestStep(steps, step);
  goToStep(store, nearest);
  if (nearest !== step) {
    say(store, "step", `Step ${step} was not logged; the nearest, ${nearest}, is shown.`);
  }
}

/** Moves by positions among the layer's steps, and stops at either end. */
export function moveStep(store: Store, by: number): void {
  const steps = ready(store.stepIndex.peek())?.steps ?? [];
  if (steps.length === 0) return;
  const position = positionAt(steps, store.step.peek()) + by;
  goToStep(store, steps[Math.min(steps.length - 1, Math.max(0, position))]!.step);
}

export function setFollow(store: Store, follow: boolean): void {
  batch(() => {
    store.follow.value = follow;
    unsay(store, "link", "step");
    if (follow) store.step.value = null;
    if (follow) store.playing.value = false;
  });
}

export function setPlaying(store: Store, playing: boolean): void {
  batch(() => {
    store.playing.value = playing;
    if (!playing) return;
    store.follow.value = false;
    unsay(store, "link", "step");
  });
}

export function selectLayer(store: Store, tag: string, step?: number): void {
  batch(() => {
    if (store.layer.peek() !== tag) {
      store.layer.value = tag;
      store.error.value = null;
      unsay(store, "layer", "link", "step");
    }
    if (step !== undefined) goToStep(store, step);
  });
}

/** Moves along the layers of the run in model order. */
export function moveLayer(store: Store, by: number): void {
  const overview = store.layers.peek();
  if (!overview) return;
  const tags = [...overview.layers.keys()];
  const at = tags.indexOf(store.layer.peek() ?? "");
  const tag = tags[Math.min(tags.length - 1, Math.max(0, at + by))];
  if (tag) selectLayer(store, tag);
}

export function selectRun(store: Store, run: string): void {
  batch(() => {
    store.run.value = run;
    store.error.value = null;
    unsay(store, "run", "layer", "link", "step");
  });
}

/** `example` is a position among those stored. */
export function selectExample(store: Store, example: number): void {
  batch(() => {
    store.example.value = example;
    store.pool.value = null;
    unsay(store, "link");
  });
}

/** Begins to compare with the first step (with the previous one at the first), or ends it. */
export function toggleCompare(store: Store): void {
  const on = store.compare.peek() !== null;
  store.compare.value = on ? null : { target: "first", mode: "beside" };
}

export function setCompare(store: Store, change: Partial<CompareState>): void {
  const current = store.compare.peek();
  if (current) store.compare.value = { ...current, ...change };
}
