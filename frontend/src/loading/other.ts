/**
 * What stands beside the view: a second step, run or example of the same layer.
 *
 * `target` is "first", "previous", "step:20" (held), "run:older" or "example:2" (a position).
 */
import type { LayerView, StepIndex, StepInfo } from "../data/answers";
import type { ViewKey } from "../data/view";
import { positionAt } from "../state/choose";

interface Other {
  readonly key: ViewKey;
  /** Where it is from, as "step 0" or "run older, step 20". */
  readonly name: string;
  /** What the viewer must know of it. */
  readonly note: string | null;
}

/** Asks for the steps of a layer in another run. */
type StepsOf = (run: string) => Promise<StepIndex>;

/** Finds what the target means for a view; says so where it means nothing. */
export async function findOther(
  target: string,
  view: LayerView,
  index: StepIndex,
  stepsOf: StepsOf,
): Promise<Other | string> {
  const { steps } = index;
  const [what = "", ...rest] = target.split(":");
  const value = rest.join(":");
  if (what === "run") return await inRun(value, view, stepsOf);
  if (what === "example") {
    const example = Number(value);
    const id = view.info.examples[example];
    if (id === undefined) return `No example at position ${value}`;
    const name = `example ${id}`;
    return { key: { ...view, example, pool: null }, name, note: null };
  }
  const position = positionAt(steps, view.info.step);
  if (what === "previous" && position === 0) return "There is no step before the first";
  const at = { first: 0, previous: position - 1 }[what] ?? positionAt(steps, Number(value));
  const info = steps[at];
  if (!info) return "There is no such step";
  return { key: { ...view, info }, name: `step ${info.step}`, note: null };
}

async function inRun(run: string, view: LayerView, stepsOf: StepsOf): Promise<Other | string> {
  const { steps } = await stepsOf(run);
  const info = nearest(steps, view.info.step);
  if (!info) return `Run ${run} holds no step of ${view.tag}`;
  const wanted = view.info.examples[view.example]!;
  const example = view.pool ? view.example : info.examples.indexOf(wanted);
  if (example < 0) return `Run ${run} did not keep example ${wanted}`;
  const near = info.step === view.info.step ? "" : `Nearest step there: ${info.step}. `;
  const note = `${near}Channels of separately trained models need not correspond.`;
  return { key: { ...view, run, info, example }, name: `step ${info.step} of run ${run}`, note };
}

function nearest(steps: readonly StepInfo[], step: number): StepInfo | null {
  return steps.reduce<StepInfo | null>(
    (best, info) =>
      !best || Math.abs(info.step - step) < Math.abs(best.step - step) ? info : best,
    null,
  );
}
