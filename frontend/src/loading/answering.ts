/** Asks for what the classifier answers over the run, and for which examples fire a channel most. */
import { type LayerView, ready } from "../data/answers";
import { RGB } from "../data/channels";
import type { Client } from "../data/client";
import { firingKey, outputsOf } from "../state/answer";
import type { Store } from "../state/store";
import { type Latest, settle } from "./latest";

export class Answering {
  /** What was asked for last: the same is not asked for again. */
  private asked = "";
  private fired = "";

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly answerTask: Latest,
    private readonly firingTask: Latest,
  ) {}

  /** The answers of the run, and that of the shown step among them. */
  openAnswer(view: LayerView): void {
    const { store } = this;
    const { run, info } = view;
    const { tag } = outputsOf(store);
    if (tag === undefined) {
      this.answerTask.cancel();
      this.asked = "";
      return;
    }
    const known = store.answered.peek();
    const count = ready(store.overview.peek())?.steps?.count;
    const of = JSON.stringify([run, tag, count]);
    const here = known?.run === run && known.tag === tag && known.step.includes(info.step);
    const wanted = here ? of : `${of} ${info.step}`;
    const failed = store.failures.peek().answer !== undefined;
    if (!failed && (here ? this.asked.startsWith(of) : wanted === this.asked)) return;
    this.asked = wanted;
    this.answerTask.run(async (signal) => {
      const found = await this.client.answers(run, tag, info.step, signal);
      signal.throwIfAborted();
      store.answered.value = found;
    });
  }

  /** The examples of the shown step that fire the channel at `position` most. */
  openFiring(view: LayerView, position: number): void {
    const { store } = this;
    const { run, tag, info } = view;
    if (view.kind === "attribution" || position === RGB) {
      this.firingTask.cancel();
      this.fired = "";
      return;
    }
    const wanted = firingKey(view, position);
    if (wanted === this.fired && store.failures.peek().firing === undefined) return;
    this.fired = wanted;
    this.firingTask.run(async (signal) => {
      // What is here already stays until the selection rests.
      await settle(signal);
      const top = await this.client.largest(run, tag, info.step, position, signal);
      signal.throwIfAborted();
      store.firing.value = { run, tag, key: wanted, top };
    });
  }
}
