/** The input that belongs to a view: the same example, at its last step not after the view's. */

import type { LayerView } from "../data/answers";
import { ready, type StepIndex, type Tensor } from "../data/answers";
import type { Client, TensorQuery } from "../data/client";
import { labelsOf } from "../data/labels";
import { exampleOf, middleOf, viewOf } from "../data/view";
import { sourceOf } from "../render/planes";
import { inputInfo, inputsOf, positionAt } from "../state/choose";
import type { Store } from "../state/store";
import type { Latest } from "./latest";
import { prefetchPlan } from "./prefetch";
import type { TensorStore } from "./tensors";

/** Of so many inputs of a run the first that holds the example is shown. */
const LOOKED_AT = 8;

export class Inputs {
  private known: { readonly run: string; readonly indices: readonly StepIndex[] } | null = null;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly tensors: TensorStore,
    private readonly task: Latest,
    /** Called with each input that is shown. */
    private readonly shown: () => void,
  ) {}

  /** Asks for the steps of the run's inputs, and then for the input of the view. */
  load(run: string, facts = true): void {
    if (this.known?.run !== run) this.store.inputHere.value = undefined;
    this.task.run(async (signal) => {
      const infos = ready(this.store.tags.peek())?.get(run) ?? [];
      const tags = infos.filter((info) => info.kind === "input").slice(0, LOOKED_AT);
      const [indices] = await Promise.all([
        Promise.all(tags.map((info) => this.client.steps(run, info.tag, signal))),
        facts && this.loadFacts(run, tags.length > 0, signal),
      ]);
      signal.throwIfAborted();
      this.known = { run, indices };
      await this.find(signal);
    });
  }

  /** Shows the input of the view, once the run's inputs are known. */
  open(): void {
    const view = this.store.view.peek();
    if (!view || this.known?.run !== view.run) return;
    const query = this.queryOf(view);
    const here = query && labelsOf(query.info) !== undefined && this.tensors.peek(query);
    if (!query || here) this.task.now(() => this.show(view, query, here || null));
    else this.task.run((signal) => this.find(signal));
  }

  /** What may be asked for next: each step has its own record of the input, which may be another batch. */
  plan(view: LayerView): readonly TensorQuery[] {
    const shown = this.store.inputHere.peek();
    const index = this.known?.indices.find(({ tag }) => tag === shown?.tag);
    if (!index || this.known?.run !== view.run) return [];
    const { steps, tag } = index;
    return prefetchPlan(steps, positionAt(steps, view.info.step), (info) => ({
      ...{ run: view.run, tag, info },
    }));
  }

  /** What is constant for the run; without it there is no box on the input, and that is all. */
  private async loadFacts(run: string, wanted: boolean, signal: AbortSignal): Promise<void> {
    const { facts } = this.store;
    if (facts.peek()?.run !== run) facts.value = null;
    const found = wanted ? await this.client.facts(run, signal).catch(() => null) : null;
    if (!signal.aborted && found) facts.value = found;
  }

  private async find(signal: AbortSignal): Promise<void> {
    const view = this.store.view.peek();
    if (!view || this.known?.run !== view.run) return;
    const query = this.queryOf(view);
    const index = this.known.indices.find(({ tag }) => tag === query?.tag);
    const [tensor] = await Promise.all([
      query && this.tensors.get(query, signal),
      query &&
        index &&
        this.client.labels(index, index.steps.indexOf(query.info), signal).catch(() => undefined),
    ]);
    signal.throwIfAborted();
    this.show(view, query, tensor);
  }

  /** The first input of the run that holds the example of a view. */
  private queryOf(view: LayerView): TensorQuery | null {
    const own = inputsOf(this.known?.indices ?? [], view.tag);
    const { input } = view.info.explained ?? {};
    // An attribution names the one that it lies over.
    const first = own.filter(({ tag }) => tag === input);
    for (const index of [...first, ...own]) {
      const info = inputInfo(index, view);
      if (info) return { run: view.run, tag: index.tag, info };
    }
    return null;
  }

  private show(
    view: LayerView,
    query: TensorQuery | null,
    tensor: Tensor | null | undefined,
  ): void {
    const { store } = this;
    if (!query || !tensor) {
      store.inputHere.value = null;
      return;
    }
    const { run, tag, info } = query;
    const example = info.examples.indexOf(view.info.examples[view.example]!);
    const before = store.inputHere.peek();
    const same = before?.run === run && before.tag === tag;
    if (before && same && before.info.wallTime === info.wallTime) {
      if (before.example !== example) store.inputHere.value = { ...before, example };
      return;
    }
    const key = { run, tag, kind: "input", info } as const;
    const views = info.examples.map((_, i) => viewOf({ ...key, example: i }, exampleOf(tensor, i)));
    const sources = views.map((one) => sourceOf(one, middleOf(info.shape)));
    store.inputHere.value = { run, tag, info, views, sources, example };
    this.shown();
  }
}
