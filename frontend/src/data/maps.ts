/**
 * Attribution maps: a channel is a target, and what is explained has rows and columns.
 *
 * Other attributions (of a layer's channels, of a vector's numbers, of a signal) are shown as layers
 * are, with the colours of an attribution.
 */
import type { LayerView, StepInfo, Tensor } from "./answers";
import { viewOf } from "./view";

/** What becomes of the sign before a value is coloured. */
export const FOLDS = ["signed", "relu", "abs"] as const;
export type Fold = (typeof FOLDS)[number];

export interface MapChoice {
  readonly fold: Fold;
  /** Enlarged by interpolation rather than by squares; null: for Grad-CAM alone. */
  readonly smooth: boolean | null;
  /** Of the map over the grey input, 0 to 1. */
  readonly opacity: number;
  /** The class whose map is taken off each other one, as it is called; null: none. */
  readonly against: string | null;
}

export const DEFAULT_MAPS: MapChoice = {
  fold: "signed",
  smooth: null,
  opacity: 0.6,
  against: null,
};

/** Views of all examples of the record that a view is of, where it was read whole; else of its own. */
export function examplesIn(view: LayerView): readonly LayerView[] {
  const { whole, run, tag, kind, info } = view;
  if (!whole) return [view];
  return info.examples.map((_, example) => viewOf({ run, tag, kind, info, example }, whole));
}

/** The same of what is on the screen: decoded once, and kept no longer than the next few. */
export function examplesOf(view: LayerView): readonly LayerView[] {
  const { whole } = view;
  if (!whole) return [view];
  const views = shown.get(whole) ?? examplesIn(view);
  shown.delete(whole);
  shown.set(whole, views);
  if (shown.size > KEPT) shown.delete(shown.keys().next().value!);
  return views;
}

/** What is compared stands beside what is shown. */
const KEPT = 3;
const shown = new Map<Tensor, readonly LayerView[]>();

/** How a target of an example is called: by its class's name, its number, or its place. */
export function targetName(
  { explained }: StepInfo,
  classes: readonly (readonly (number | null)[])[] | null,
  example: number,
  target: number,
): string {
  const name = explained?.targetNames?.[example]?.[target];
  const id = explained?.targets?.[example]?.[target] ?? classes?.[example]?.[target];
  if (name !== undefined) return name;
  return id === undefined || id === null ? `target ${target}` : `class ${id}`;
}
