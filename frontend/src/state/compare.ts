/** What `Compare` offers: a second step, run or example of the same layer to stand beside the view. */
import { ready } from "../data/answers";
import { isDense } from "../data/view";
import { labelsShown, type Store } from "./store";

/** The target of a comparison of films. */
export const ALL_RUNS = "runs";

/** Whether there is a second tile beside each: it stays empty until its values are here. */
export function standsBeside({ compare }: Pick<Store, "compare">): boolean {
  return compare.value?.mode === "beside" && compare.value.target !== ALL_RUNS;
}

interface CompareChoice {
  readonly value: string;
  readonly text: string;
}

/** What `Compare` offers for the shown view. */
export function compareChoices(store: Store): readonly CompareChoice[] {
  const view = store.view.value;
  const tags = ready(store.tags.value);
  if (!view || !tags) return [];
  const runs = [...tags].filter(
    ([run, infos]) => run !== view.run && infos.some((info) => info.tag === view.tag),
  );
  const labels = labelsShown(store);
  const target = store.compare.value?.target ?? "";
  const examples = view.info.examples
    .map((id, i) => ({
      value: `example:${i}`,
      text: labels?.[i] ? `Example ${id}, “${labels[i]}”` : `Example ${id}`,
    }))
    .filter(({ value }) => value !== `example:${view.example}` || value === target || view.pool);
  const held = target.startsWith("step:") ? target : `step:${view.info.step}`;
  const choices = [
    { value: "first", text: "First step" },
    { value: "previous", text: "Previous step" },
    { value: held, text: `Step ${held.slice(5)}, held` },
    ...(runs.length > 0 ? [{ value: ALL_RUNS, text: "All runs" }] : []),
    ...runs.map(([run]) => ({ value: `run:${run}`, text: `Run ${run}` })),
    ...(isDense(view.info) ? [] : examples),
  ];
  if (target === "" || choices.some(({ value }) => value === target)) return choices;
  // What a link or the layer before asked for stays named where it is not there.
  return [...choices, { value: target, text: `${target.replace(":", " ")}, not here` }];
}
