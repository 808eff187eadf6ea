/** What an attribution needs beside its values: scores at its steps, and how far it reaches over them. */
import type { LayerView, StepIndex, StepInfo } from "../data/answers";
import type { Client } from "../data/client";
import { examplesIn } from "../data/maps";
import type { Scores } from "../data/scores";
import { viewOf, viewQuery } from "../data/view";
import { largestOf } from "../render/reach";
import { lockKey, reachesOfRecord, shapingOf } from "../state/attributed";
import { positionAt } from "../state/choose";
import type { Store } from "../state/store";
import type { Latest } from "./latest";
import type { TensorStore } from "./tensors";

/** Of longer logs so many steps, evenly chosen, stand for all. */
const SCORED = 240;
const BOUNDED = 96;

export class Attributions {
  /** What was asked for last: the same is not asked for again. */
  private scored = "";
  private bounded = "";

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly tensors: TensorStore,
    private readonly scoreTask: Latest,
    private readonly boundTask: Latest,
  ) {}

  open(view: LayerView, index: StepIndex): void {
    if (view.kind !== "attribution") {
      this.scoreTask.cancel();
      this.boundTask.cancel();
      [this.scored, this.bounded] = ["", ""];
      return;
    }
    this.openScores(view, index);
    this.openBound(view, index);
  }

  private openScores({ info }: LayerView, index: StepIndex): void {
    const { store, client } = this;
    const { run, tag, steps } = index;
    const known = store.scores.peek();
    const of = JSON.stringify([run, tag, steps.length, steps.at(-1)?.wallTime]);
    const here = known?.run === run && known.tag === tag && known.steps.includes(info.step);
    const failed = store.failures.peek().scores !== undefined;
    const wanted = here ? of : `${of} ${info.step}`;
    if ((here && this.scored.startsWith(of)) || (wanted === this.scored && !failed)) return;
    this.scored = wanted;
    this.scoreTask.run(async (signal) => {
      const rows = steps.length > SCORED ? SCORED : undefined;
      const all = await client.scores(run, tag, [0, steps.length], signal, rows);
      const at = positionAt(steps, info.step);
      const own = all.steps.includes(info.step)
        ? null
        : await client.scores(run, tag, [at, at + 1], signal);
      signal.throwIfAborted();
      store.scores.value = own ? joined(all, own) : all;
    });
  }

  /** Reads the maps of all steps, where one bound is to hold for them. */
  private openBound(view: LayerView, { steps }: StepIndex): void {
    const { store } = this;
    if (!store.window.peek().lockSteps) {
      this.boundTask.cancel();
      this.bounded = "";
      return;
    }
    const key = lockKey(view, store.maps.peek());
    const held = steps.filter((info) => info.omitted === null);
    const of = JSON.stringify([key, held.length, held.at(-1)?.wallTime]);
    if (of === this.bounded && store.failures.peek().bound === undefined) return;
    this.bounded = of;
    this.boundTask.run(async (signal) => {
      const chosen = evenly(held, BOUNDED);
      const found: ReturnType<typeof reachesOfRecord>[] = [];
      for (const info of chosen) found.push(await this.reaches({ ...view, info }, signal));
      signal.throwIfAborted();
      const count = Math.min(...found.map(({ examples }) => examples.length));
      store.overSteps.value = {
        key,
        examples: Array.from({ length: count }, (_, i) =>
          largestOf(found.map(({ examples }) => examples[i]!)),
        ),
        all: largestOf(found.map(({ all }) => all)),
        steps: chosen.length,
        count: held.length,
      };
    });
  }

  private async reaches({ run, tag, kind, info, example }: LayerView, signal: AbortSignal) {
    const key = { run, tag, kind, info, example };
    const tensor = await this.tensors.get(viewQuery(key), signal);
    return reachesOfRecord(examplesIn(viewOf(key, tensor)), (one) => shapingOf(this.store, one));
  }
}

function evenly(steps: readonly StepInfo[], most: number): readonly StepInfo[] {
  if (steps.length <= most) return steps;
  const last = steps.length - 1;
  return Array.from({ length: most }, (_, i) => steps[Math.floor((i * last) / (most - 1))]!);
}

/** With one step more, in its place. */
function joined(all: Scores, { steps, rows }: Scores): Scores {
  const at = all.steps.filter((step) => step < steps[0]!).length;
  return {
    ...all,
    steps: all.steps.toSpliced(at, 0, steps[0]!),
    rows: all.rows.toSpliced(at, 0, rows[0]!),
  };
}
