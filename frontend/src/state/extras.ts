/** What is charted over the steps beside the statistics: sums of attributions, and what a channel adds. */
import { ready } from "../data/answers";
import type { Extra } from "../data/choices";
import { contrastOf, type Sum, sumOf } from "../data/scores";
import { formatShare, formatValue } from "../render/format";
import { type Quantiles, quantilesOf } from "../render/quantiles";
import { shapingOf } from "./attributed";
import { carriedFor, sumsAt } from "./carried";
import { selectedOf } from "./selected";
import type { Store } from "./store";

const MEDIAN = 2;

export interface ExtraRow {
  readonly name: Extra;
  /** What it is, in words. */
  readonly title: string;
  readonly text: string;
  readonly steps: readonly number[];
  readonly values: Float64Array;
  /** Of a distribution, whose medians `values` are: its quantiles at each step. */
  readonly quantiles?: readonly Quantiles[];
  /** So many steps there are, of which these may be a part. */
  readonly count: number;
}

/** Of the selected channel of the shown example. */
export function extrasOf(store: Store): readonly ExtraRow[] {
  const [view, selected] = [store.view.value, selectedOf(store)];
  if (!view || !selected) return [];
  const own = view.kind === "attribution" ? sumsOver : carriedOver;
  const sums = selected.position < 0 ? [] : own(store, selected.position);
  return [...sums, ...spreadOver(store)];
}

/** Whether there are quantiles: a course of them, of values that were logged. */
export function hasSpread(store: Store): boolean {
  return store.film.value.length > 1 && !store.isDifference.value;
}

/** Of the values of the pictures in the film; worked out once it is looked at. */
function spreadOver(store: Store): readonly ExtraRow[] {
  const film = store.film.value;
  if (!hasSpread(store)) return [];
  const frames = store.chart.value === "quantiles" ? film : [];
  const steps = frames.map((frame) => frame.step);
  const quantiles = frames.map(({ source, plane }) => source && quantilesOf(source, plane));
  if (quantiles.includes(null)) return [];
  const values = Float64Array.from(quantiles, (of) => of![MEDIAN]!);
  const known = { steps, values, quantiles: quantiles as Quantiles[], count: 0 };
  return [{ name: "quantiles", title: "", text: "", ...known }];
}

function sumsOver(store: Store, position: number): readonly ExtraRow[] {
  const view = store.view.value!;
  const scores = store.scores.value;
  if (!scores || scores.run !== view.run || scores.tag !== view.tag) return [];
  const { parts = 1, output = "" } = view.info.explained ?? {};
  const target = Math.floor(position / parts);
  const { against } = shapingOf(store, view);
  const sums = scores.rows.map((row) =>
    against === null
      ? sumOf(row, view.example, target)
      : contrastOf(row, view.example, target, against),
  );
  const count = ready(store.stepIndex.value)?.steps.length ?? 0;
  const row = (name: Extra, of: (sum: Sum) => number | null, title: string): ExtraRow[] => {
    const values = Float64Array.from(sums, (sum) => of(sum) ?? Number.NaN);
    if (values.every(Number.isNaN)) return [];
    const now = values[scores.steps.indexOf(view.info.step)] ?? Number.NaN;
    const text = name === "score" ? formatValue(now, Math.abs(now), 4) : formatShare(now);
    return [{ name, title, text, steps: scores.steps, values, count }];
  };
  return [
    ...row("score", ({ score }) => score, `The target's ${output}`),
    ...row("probability", ({ probability }) => probability, "The target's probability"),
    ...row("gap", ({ gap }) => gap, "The share of the score that the values do not account for"),
  ];
}

function carriedOver(store: Store): readonly ExtraRow[] {
  const view = store.view.value!;
  const carried = carriedFor(store.carried.value, view);
  const id = selectedOf(store)?.id;
  const now = sumsAt(carried, view)?.[id ?? -1];
  if (!carried || id === undefined || now === undefined) return [];
  const values = Float64Array.from(carried.sums, (sums) => sums[id]!);
  const title = `What the channel adds to ${carried.target}, by ${carried.method}`;
  const text = formatValue(now, Math.abs(now), 4);
  return [{ name: "attribution", title, text, steps: carried.steps, values, count: carried.count }];
}
