/** What the choices for attributions come to, for the shown view and for the other examples beside it. */
import { computed, type ReadonlySignal } from "@preact/signals";
import type { LayerView } from "../data/answers";
import { channelId, nameOf } from "../data/channels";
import type { WindowState } from "../data/choices";
import { examplesOf, type MapChoice, targetName } from "../data/maps";
import { contrastOf, type ScoreRow, type Sum, scoresAt, sumOf } from "../data/scores";
import { holdsMaps, isDense } from "../data/view";
import { AUTO_LEVELS } from "../render/autoLimits";
import { contrasted, type Shaping } from "../render/maps";
import { type Reaches, reachesOf } from "../render/reach";
import { type Shown, shownMaps } from "../render/shown";
import type { OverSteps, State } from "./signals";

type Needs = Pick<State, "view" | "maps" | "window" | "scores" | "overSteps">;

/** The scores of a view's own step; null where they are not here. */
function scoreRow({ scores }: Pick<State, "scores">, view: LayerView): ScoreRow | null {
  const table = scores.value;
  return table?.run === view.run && table.tag === view.tag ? scoresAt(table, view.info.step) : null;
}

/** How the targets of an example are called. */
export function targetNames(
  state: Pick<State, "scores">,
  { info, ...view }: LayerView,
): readonly string[] {
  const row = scoreRow(state, { info, ...view });
  const count = Math.floor(view.channels / (info.explained?.parts ?? 1));
  return Array.from({ length: count }, (_, target) =>
    targetName(info, row?.targets ?? null, view.example, target),
  );
}

/** What the channels of a layer are called that has one for each class; null elsewhere. */
export function classNames(
  { facts }: Pick<State, "facts">,
  { run, info, kind }: Pick<LayerView, "run" | "info" | "kind">,
): readonly string[] | null {
  const names = facts.value?.run === run ? facts.value.classNames : null;
  const one = names?.length === info.channels && isDense(info) && kind === "activation";
  return one ? names : null;
}

/** How a sentence calls a channel of a view: by what it stands for, where that is a target. */
export function channelName(
  state: Pick<State, "scores" | "maps" | "facts">,
  view: LayerView,
  position: number,
): string {
  const id = channelId(view.info, position);
  const { explained } = view.info;
  if (!explained) {
    const name = classNames(state, view)?.[id];
    return name === undefined ? nameOf(id, view) : `${nameOf(id)}, ${name}`;
  }
  const { parts } = explained;
  const names = targetNames(state, view);
  const target = names[Math.floor(id / parts)] ?? "";
  const { against } = shapingOf(state, view);
  if (parts === 1) return against === null ? target : `${target} − ${names[against]}`;
  const channel = nameOf(id % parts);
  return names.length > 1 ? `${target}, ${channel}` : channel;
}

/** The switches in force for a view. */
export function shapingOf(state: Pick<State, "scores" | "maps">, view: LayerView): Shaping {
  const { fold, smooth, against } = state.maps.value;
  const method = view.info.explained?.method ?? "";
  const at =
    against === null || !holdsMaps(view.info) ? -1 : targetNames(state, view).indexOf(against);
  return { fold, smooth: smooth ?? method.startsWith("grad_cam"), against: at < 0 ? null : at };
}

/** What a map is said to add up to, or the difference of two. */
export function sumShown(
  state: Pick<State, "scores" | "maps">,
  view: LayerView,
  target: number,
): Sum {
  const row = scoreRow(state, view);
  const { against } = shapingOf(state, view);
  return against === null || against === target
    ? sumOf(row, view.example, target)
    : contrastOf(row, view.example, target, against);
}

/** What the reach over steps is of: another choice of these asks for another one. */
export function lockKey(view: LayerView, { against }: MapChoice): string {
  return JSON.stringify([view.run, view.tag, against, view.whole ? null : view.example]);
}

/** Whether the bound over all steps is still on its way. */
export function waitsForBound(state: Needs & Pick<State, "failures">): boolean {
  const { view, window, maps, overSteps, failures } = state;
  const shown = view.value;
  if (!window.value.lockSteps || shown?.kind !== "attribution") return false;
  if (failures.value.bound !== undefined) return false;
  return overSteps.value?.key !== lockKey(shown, maps.value);
}

/** The reaches of a record: of each example alone and of all together. */
export function reachesOfRecord(
  views: readonly LayerView[],
  shaping: (view: LayerView) => Shaping,
): { readonly examples: readonly Reaches[]; readonly all: Reaches } {
  const without = views.map((view) => shaping(view).against);
  const cut = views.map((view, i) => contrasted(view, without[i]!));
  return {
    examples: cut.map((view, i) => reachesOf([view], [without[i]!])),
    all: reachesOf(cut, without),
  };
}

/** How far the limits of a view go. */
function reachOf(state: Needs, view: LayerView, window: WindowState): number {
  const level = window.limits === "auto" ? window.autoLevel : AUTO_LEVELS;
  const joint = window.range === "layer";
  const locked = window.lockSteps ? lockedOf(state, view) : null;
  if (locked) return (joint ? locked.all : locked.examples[view.whole ? view.example : 0]!)[level]!;
  const shaping = (of: LayerView) => shapingOf(state, of);
  const views = joint ? examplesOf(view) : [view];
  return reachesOfRecord(views, shaping).all[level]!;
}

function lockedOf({ overSteps, maps }: Needs, view: LayerView): OverSteps | null {
  const known = overSteps.value;
  return known?.key === lockKey(view, maps.value) ? known : null;
}

/** An attribution as the choices have it; what it is compared with stands under the same limits. */
export function shownAttribution(
  state: Needs,
  of: { view: LayerView; depth: number; window: WindowState; other?: LayerView | null },
): Shown {
  const own = reachOf(state, of.view, of.window);
  const reach = of.other ? Math.max(own, reachOf(state, of.other, of.window)) : own;
  return shownMaps({ ...of, reach, shaping: (view) => shapingOf(state, view) });
}

/** One example of an attribution and its targets, as the grid shows them. */
export interface MapRow {
  readonly view: LayerView;
  readonly shown: Shown;
  /** Positions of the targets: without the one that is taken off the others. */
  readonly targets: readonly number[];
  readonly names: readonly string[];
}

interface Derived {
  readonly shown: ReadonlySignal<Shown | null>;
  readonly depth: ReadonlySignal<number>;
}

/** All examples of the record, where they were read together; the shown one alone while comparing. */
export function mapRows(state: State & Derived): ReadonlySignal<readonly MapRow[]> {
  return computed(() => {
    const [view, shown] = [state.view.value, state.shown.value];
    if (!view || !shown || !holdsMaps(view.info)) return [];
    const views = state.compare.value ? [view] : examplesOf(view);
    const [depth, window] = [state.depth.value, state.window.value];
    return views.map((one) => ({
      view: one,
      shown:
        one.example === view.example
          ? shown
          : shownAttribution(state, { view: one, depth, window }),
      ...targetsShown(state, one),
    }));
  });
}

export function targetsShown(state: Pick<State, "scores" | "maps">, view: LayerView) {
  const names = targetNames(state, view);
  const { against } = shapingOf(state, view);
  const targets = names.map((_, target) => target).filter((target) => target !== against);
  return { names, targets };
}
