/** Labels of examples: said with the steps where these are few, else asked for when they are looked at. */
import type { StepInfo } from "./answers";

type Labels = readonly string[] | null;

const later = new WeakMap<StepInfo, Labels>();

/** Undefined where they are not known yet. */
export function labelsOf(info: StepInfo): Labels | undefined {
  return info.labels === undefined ? later.get(info) : info.labels;
}

export function learn(info: StepInfo, labels: Labels | undefined): void {
  later.set(info, labels ?? null);
}
