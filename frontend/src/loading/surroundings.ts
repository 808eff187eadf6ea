/**
 * What stands around a view: its input, the step before it, what it is compared with, the film of the
 * selected channel, and what is likely to be looked at next.
 */

import { batch, computed, effect, untracked } from "@preact/signals";
import type { LayerView, StepIndex, StepInfo, Tensor } from "../data/answers";
import { ready } from "../data/answers";
import { RGB } from "../data/channels";
import type { Client, TensorQuery } from "../data/client";
import { channelOf, exampleOf, sameView, type ViewKey, viewOf, viewQuery } from "../data/view";
import { sourceOf } from "../render/planes";
import { filmPositions, inputInfo, positionAt } from "../state/choose";
import type { FilmFrame, Store } from "../state/store";
import { Latest, SETTLE_MS } from "./latest";
import { findOther } from "./other";
import { Prefetcher, prefetchPlan } from "./prefetch";
import type { TensorStore } from "./tensors";

export class Surroundings {
  private readonly prefetcher: Prefetcher;
  private readonly inputTask = new Latest(() => undefined);
  private readonly filmTask = new Latest(() => undefined);
  private readonly otherTask = new Latest((message) => this.showOther(null, "", message));
  private readonly previousTask = new Latest(() => undefined);
  /** Step indices of the run's inputs. */
  private inputs: { readonly run: string; readonly indices: readonly StepIndex[] } | null = null;
  private filmSubject = "";
  private filmTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly tensors: TensorStore,
  ) {
    this.prefetcher = new Prefetcher(tensors);
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
    const inputs = (tags.get(run) ?? []).filter((info) => info.kind === "input").slice(0, 4);
    const indices = await Promise.all(
      inputs.map((info) => this.client.steps(run, info.tag, signal)),
    );
    this.inputs = { run, indices };
    const view = this.store.view.peek();
    if (view) this.openInput(view);
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
    const found = this.inputs.indices
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
    const steps = this.indexOf(view)?.steps;
    if (!steps) return;
    const depth = this.store.depth.peek();
    const subject = JSON.stringify([
      [view.run, view.tag, view.example, channel, depth],
      steps.map((info) => info.wallTime),
    ]);
    const whole = this.store.film.peek().every((frame) => frame.source !== null);
    if (subject === this.filmSubject && whole) return;
    this.filmSubject = subject;
    const infos = filmPositions(steps.length).map((position) => steps[position]!);
    const frames = infos.map((info) => this.frameHere(view, info, channel));
    this.store.film.value = frames;
    clearTimeout(this.filmTimer);
    this.filmTask.cancel();
    if (frames.every((frame) => frame.source)) return;
    this.filmTimer = setTimeout(() => {
      this.filmTask.run((signal) => this.loadFilm(view, infos, channel, signal));
    }, SETTLE_MS);
  }

  /** A frame from what is cached: the whole layer, or the channel alone. */
  private frameHere(view: LayerView, info: StepInfo, channel: number): FilmFrame {
    const key = { ...view, info };
    const whole = this.tensors.peek(viewQuery(key));
    const tensor = whole && (channel === RGB ? whole : channelOf(whole, channel));
    const alone = tensor ?? this.tensors.peek(channelQuery(key, channel));
    const depth = this.store.depth.peek();
    return { step: info.step, source: alone ? sourceOf(viewOf(key, alone), depth) : null };
  }

  private async loadFilm(
    view: LayerView,
    infos: readonly StepInfo[],
    channel: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (const info of infos) {
      const frame = this.frameHere(view, info, channel);
      if (frame.source === null && info.omitted === null) {
        await this.tensors.get(channelQuery({ ...view, info }, channel), signal);
      }
      signal.throwIfAborted();
    }
    this.store.film.value = infos.map((info) => this.frameHere(view, info, channel));
  }
}

function channelQuery(key: ViewKey, channel: number): TensorQuery {
  if (channel === RGB) return viewQuery(key);
  return { ...viewQuery(key), channels: [channel, channel + 1] as const };
}
