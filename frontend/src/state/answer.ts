/** What the classifier answers at the shown step, for each stored example, and in words. */

import type { LayerView } from "../data/answers";
import { type Answers, isRight } from "../data/classifier";
import type { State } from "./signals";

type Needs = Pick<State, "facts" | "view" | "answered" | "output" | "follow">;

/** The tag of the classifier that is shown, and those of all; the run may have none. */
export function outputsOf({ facts, view, output }: Omit<Needs, "follow">) {
  const known = facts.value?.run === view.value?.run ? facts.value : null;
  const tags = known?.classifiers ?? [];
  return { tags, tag: tags.includes(output.value) ? output.value : tags[0] };
}

export interface AnswersHere {
  readonly answers: Answers;
  /**
   * The position of the last step logged up to the shown one, which may be long before where a layer is
   * logged once; while the last step is followed of the last one of all. −1: there is none.
   */
  readonly at: number;
  /** What a class is called. */
  readonly name: (index: number) => string;
  /** Whether the example of this position in the batch is right; null where that is not known. */
  readonly verdict: (example: number) => boolean | null;
}

/** Null while nothing is here, and where the model answers with no classes. */
export function answersHere(state: Needs): AnswersHere | null {
  const [answers, view] = [state.answered.value, state.view.value];
  if (!view || answers?.run !== view.run || answers.tag !== outputsOf(state).tag) return null;
  const upTo = state.follow.value ? Number.POSITIVE_INFINITY : view.info.step;
  const at = answers.step.findLastIndex((step) => step <= upTo);
  const names = state.facts.value?.classNames;
  return {
    ...{ answers, at },
    name: (index) => (names?.length === answers.classes && names[index]) || `class ${index}`,
    verdict: (example) => isRight(answers, at, answers.examples.indexOf(example)),
  };
}

/** As "93.2 %", all with one decimal; what is not quite all or nothing does not say so. */
export function shareText(share: number | null | undefined): string {
  if (share === null || share === undefined) return "NaN";
  if (share > 0.9995 && share < 1) return ">99.9 %";
  if (share > 0 && share < 5e-4) return "<0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}

/** What the examples that fire a channel most are of. */
export function firingKey({ run, tag, info }: LayerView, position: number): string {
  return JSON.stringify([run, tag, info.step, info.wallTime, position]);
}
