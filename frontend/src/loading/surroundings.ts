/**
 * What stands around a view: its input, the step before it, what it is compared with, the film of the
 * selected channel, and what is likely to be looked at next.
 */
import { batch, computed, effect, untracked } from "@preact/signals";
import { type LayerView, ready, type StepIndex, type Tensor } from "../data/answers";
import type { Client, TensorQuery } from "../data/client";
import { exampleOf, sameView, type ViewKey, viewOf, viewQuery } from "../data/view";
import { sourceOf } from "../render/planes";
import { inputInfo, inputsOf, positionAt } from "../state/choose";
import type { Store } from "../state/store";
import { Film } from "./film";
import { Latest } from "./latest";
import { findOther } from "./other";
import { Prefetcher, prefetchPlan } from "./prefetch";
import type { TensorStore } from "./tensors";

export class Surroundings {
  private readonly prefetcher: Prefetcher;
  private readonly film: Film;
  private readonly inputTask = new Latest(() => undefined);
  private readonly otherTask = new Latest((message) => this.showOther(null, "", message));
  private readonly previousTask = new Latest(() => undefined);
  /** Step indices of the run's inputs. */
  private inputs: { readonly run: string; readonly indices: readonly StepIndex[] } | null = null;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly tensors: TensorStore,
  ) {
    this.prefetcher = new Prefetcher(tensors);
    this.film = new Film(store, tensors);
  }

  /** Starts to follow the view. */
  start(): void {
    const { store } = this;
    effect(() => {
      const view = store.view.value;
      if (view) untracked(() => this.surround(view));
    });
    effect(() => {
      const [view, compare] = [store.view.value, store.compare.value];
      untracked(() => this.openOther(view, compare?.target ?? null));
    });
    const byChange = computed(() => store.triage.value.sortBy === "change");
    effect(() => {
      const [view, wanted] = [store.view.peek(), byChange.value];
      if (view && wanted) untracked(() => this.surround(view));
    });
    effect(() => {
      const [view, channel] = [store.view.value, store.channel.value];
      store.depth.value;
      if (view && channel !== null) untracked(() => this.openFilm(view, channel));
    });
  }

  /** The step indices of the run's inputs, and then the input of the view. */
  async loadInputs(run: string, signal: AbortSignal): Promise<void> {
    const tags = ready(this.store.tags.peek());
    if (!tags) return;
    const inputs = (tags.get(run) ?? []).filter((info) => info.kind === "input").slice(0, 8);
    const [indices] = await Promise.all([
      Promise.all(inputs.map((info) => this.client.steps(run, info.tag, signal))),
      this.loadFacts(run, inputs.length > 0, signal),
    ]);
    this.inputs = { run, indices };
    const view = this.store.view.peek();
    if (view) this.openInput(view);
  }

  /** What is constant for the run; without it there is no box on the input, and that is all. */
  private async loadFacts(run: string, wanted: boolean, signal: AbortSignal): Promise<void> {
    const { facts } = this.store;
    if (facts.peek()?.run !== run) facts.value = null;
    if (!wanted) return;
    const found = await this.client.facts(run, signal).catch(() => null);
    if (!signal.aborted && found) facts.value = found;
  }

  /** What stands around a view: its input, the step before it, and what may be asked for next. */
  private surround(view: LayerView): void {
    const index = this.indexOf(view);
    if (!index) return;
    this.openInput(view);
    const keys = index.steps.map((info) => ({ ...view, info }) satisfies ViewKey);
    const position = positionAt(
      keys.map((key) => key.info),
      view.info.step,
    );
    this.openPrevious(keys[position - 1] ?? null);
    this.prefetch(view, index);
  }

  /** The steps of a view, where its layer is the one that is open. */
  private indexOf(view: LayerView): StepIndex | null {
    const index = ready(this.store.stepIndex.peek());
    return index?.tag === view.tag ? index : null;
  }

  private prefetch(view: LayerView, index: StepIndex): void {
    const queries = index.steps.map((info) => viewQuery({ ...view, info }));
    const plan = prefetchPlan(queries, positionAt(index.steps, view.info.step));
    const subject = JSON.stringify([view.run, view.tag, view.example]);
    this.prefetcher.plan(subject, [...plan, ...this.inputPlan(view)]);
  }

  /** Each step has its own record of the input, which may be another batch. */
  private inputPlan(view: LayerView): readonly TensorQuery[] {
    const shown = this.store.input.peek();
    const index = this.inputs?.indices.find(({ tag }) => tag === shown?.tag);
    if (!index || this.inputs?.run !== view.run) return [];
    const queries = index.steps.map((info) => ({ run: view.run, tag: index.tag, info }));
    return prefetchPlan(queries, positionAt(index.steps, view.info.step));
  }

  private openPrevious(key: ViewKey | null): void {
    const { previous } = this.store;
    this.previousTask.cancel();
    // Decoded only when it is sorted by: a film would decode everything twice.
    const wanted = this.store.triage.peek().sortBy === "change";
    if (!wanted || !key || key.info.omitted !== null) {
      previous.value = null;
      return;
    }
    this.previousTask.run(async (signal) => {
      const tensor = await this.tensors.get(viewQuery(key), signal);
      signal.throwIfAborted();
      previous.value = viewOf(key, tensor);
    });
  }

  private openOther(view: LayerView | null, target: string | null): void {
    const { store } = this;
    const index = view && this.indexOf(view);
    if (!view || target === null || !index) {
      this.otherTask.cancel();
      store.other.value = null;
      return;
    }
    this.otherTask.run(async (signal) => {
      const found = await findOther(this.client, target, view, index, signal);
      if (typeof found === "string") {
        this.showOther(null, "", found);
        return;
      }
      const tensor = await this.tensors.get(viewQuery(found.key), signal);
      signal.throwIfAborted();
      const before = store.other.peek();
      const same = before && sameView(before, found.key);
      this.showOther(same ? before : viewOf(found.key, tensor), found.name, found.note);
    });
  }

  private showOther(other: LayerView | null, name: string, note: string | null): void {
    const { store } = this;
    batch(() => {
      store.other.value = other;
      store.otherName.value = name;
      store.otherNote.value = note;
    });
  }

  private openInput(view: LayerView): void {
    const { store } = this;
    if (this.inputs?.run !== view.run) return;
    const found = inputsOf(this.inputs.indices, view.tag)
      .map((index) => ({ index, info: inputInfo(index, view) }))
      .find(({ info }) => info !== null);
    if (!found?.info) {
      store.input.value = null;
      return;
    }
    const { index, info } = found;
    const example = info.examples.indexOf(view.info.examples[view.example]!);
    const shown = store.input.peek();
    if (shown && shown.tag === index.tag && shown.info.wallTime === info.wallTime) {
      if (shown.example !== example) store.input.value = { ...shown, example };
      return;
    }
    const query = { run: view.run, tag: index.tag, info };
    const here = this.tensors.peek(query);
    this.inputTask.cancel();
    if (here) {
      this.showInput(query, example, here);
      return;
    }
    this.inputTask.run(async (signal) => {
      const tensor = await this.tensors.get(query, signal);
      signal.throwIfAborted();
      this.showInput(query, example, tensor);
    });
  }

  private showInput(query: TensorQuery, example: number, tensor: Tensor): void {
    const { run, tag, info } = query;
    const key = { run, tag, kind: "input", info } as const;
    const sources = info.examples.map((_, i) =>
      sourceOf(viewOf({ ...key, example: i }, exampleOf(tensor, i))),
    );
    this.store.input.value = { tag, info, sources, example };
    const view = this.store.view.peek();
    const index = view && this.indexOf(view);
    if (index) this.prefetch(view, index);
  }

  private openFilm(view: LayerView, channel: number): void {
    const index = this.indexOf(view);
    if (index) this.film.open(view, channel, index.steps);
  }
}
