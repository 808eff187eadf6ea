/**
 * What stands around a view: its input, the step before it, what it is compared with, the film of the
 * selected channel, and what is likely to be looked at next. None of them can take the view away: what
 * one could not get, it says in its own place.
 */
import { computed, effect, untracked } from "@preact/signals";
import { type LayerView, ready, type StepIndex } from "../data/answers";
import { channelId } from "../data/channels";
import type { Client } from "../data/client";
import { type ViewKey, viewOf, viewQuery } from "../data/view";
import { positionAt } from "../state/choose";
import { ALL_RUNS } from "../state/compare";
import { setFailure } from "../state/notices";
import type { Part } from "../state/signals";
import type { Store } from "../state/store";
import { Answering } from "./answering";
import { Attributions } from "./attributions";
import { CarriedBy } from "./carried";
import { Film } from "./film";
import { Inputs } from "./inputs";
import { Latest } from "./latest";
import { watchLeads } from "./leads";
import { findOther } from "./other";
import { Prefetcher, prefetchPlan } from "./prefetch";
import { loadRunFilms } from "./runFilms";
import { watchRuns } from "./runHealth";
import type { TensorStore } from "./tensors";

export class Surroundings {
  readonly inputs: Inputs;
  private readonly prefetcher: Prefetcher;
  private readonly film: Film;
  private readonly attributions: Attributions;
  private readonly carried: CarriedBy;
  private readonly answering: Answering;
  private readonly previousTask: Latest;
  private readonly otherTask: Latest;
  /** Steps of the layer in the runs that it is compared with, until the log is read anew. */
  /** What the films of all runs are of. */
  private runsOf = "";
  private readonly elsewhere = new Map<string, StepIndex>();

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly tensors: TensorStore,
  ) {
    const said = (part: Part) => new Latest((message) => setFailure(store, part, message));
    this.prefetcher = new Prefetcher(tensors);
    this.film = new Film(store, tensors, said("film"));
    this.attributions = new Attributions(store, client, tensors, said("scores"), said("bound"));
    this.carried = new CarriedBy(store, client, tensors, said("carried"));
    this.answering = new Answering(store, client, said("answer"), said("firing"));
    this.previousTask = said("previous");
    this.inputs = new Inputs(store, client, tensors, said("input"), () => this.prefetch());
    this.otherTask = new Latest((message) => {
      store.otherNote.value = message;
    });
  }

  /** Starts to follow the view. */
  start(): void {
    const { store } = this;
    watchRuns(store, this.client);
    watchLeads(store, this.client);
    const byChange = computed(() => store.triage.value.sortBy === "change");
    effect(() => {
      if (store.view.value) untracked(() => this.surround());
    });
    effect(() => {
      void [store.facts.value, store.overview.value, store.output.value];
      const view = store.view.value;
      if (view) untracked(() => this.answering.openAnswer(view));
    });
    effect(() => {
      const [view, channel] = [store.view.value, store.channel.value];
      if (view) untracked(() => this.answering.openFiring(view, channel ?? 0));
    });
    effect(() => {
      void [store.view.value, byChange.value];
      untracked(() => this.openPrevious());
    });
    effect(() => {
      const target = store.compare.value?.target;
      void [store.view.value, target];
      // Films are of a channel, the rest is of all.
      if (target === ALL_RUNS) void [store.channel.value, store.depth.value];
      else store.runFilms.value = [];
      untracked(() => this.openOther());
    });
    effect(() => {
      void [store.view.value, store.channel.value, store.depth.value];
      void [store.maps.value, store.scores.value];
      untracked(() => this.openFilm());
    });
    effect(() => {
      void [store.view.value, store.window.value.lockSteps, store.maps.value.against];
      void store.scores.value;
      untracked(() => this.openAttribution());
    });
  }

  /** The log was read anew: there may be more steps, and what failed may be there now. */
  renew(): void {
    this.carried.renew();
    this.elsewhere.clear();
    this.runsOf = "";
    this.surround();
    this.openPrevious();
    this.openOther();
    this.openFilm();
    this.openAttribution();
  }

  private openAttribution(): void {
    const subject = this.subject();
    if (subject) this.attributions.open(subject.view, subject.index);
  }

  private surround(): void {
    const { view } = this.subject() ?? {};
    if (view) this.carried.open(view);
    this.inputs.open();
    this.prefetch();
  }

  /** The shown view and its steps, where its layer is the one that is open. */
  private subject(): { readonly view: LayerView; readonly index: StepIndex } | null {
    const view = this.store.view.peek();
    const index = ready(this.store.stepIndex.peek());
    return view && index?.tag === view.tag && index.run === view.run ? { view, index } : null;
  }

  private prefetch(): void {
    const subject = this.subject();
    // What is still being read is other steps in a moment.
    if (!subject?.index.complete) return;
    const { view, index } = subject;
    const plan = prefetchPlan(index.steps, positionAt(index.steps, view.info.step), (info) =>
      viewQuery({ ...view, info }),
    );
    const name = JSON.stringify([view.run, view.tag, view.example, view.pool]);
    this.prefetcher.plan(name, [...plan, ...this.inputs.plan(view)]);
  }

  private openPrevious(): void {
    const subject = this.subject();
    // Decoded only when it is sorted by: a film would decode everything twice.
    const wanted = this.store.triage.peek().sortBy === "change";
    if (!subject || !wanted) {
      this.previousTask.cancel();
      return;
    }
    const { view, index } = subject;
    const info = index.steps[positionAt(index.steps, view.info.step) - 1];
    const key: ViewKey | null = info && info.omitted === null ? { ...view, info } : null;
    this.previousTask.run(async (signal) => {
      const tensor = key && (await this.tensors.get(viewQuery(key), signal));
      signal.throwIfAborted();
      this.store.before.value = { of: view, view: tensor && key && viewOf(key, tensor) };
    });
  }

  private openOther(): void {
    const { store } = this;
    const subject = this.subject();
    const target = store.compare.peek()?.target;
    if (!subject || target === undefined) {
      this.otherTask.cancel();
      store.found.value = null;
      return;
    }
    const { view, index } = subject;
    if (target === ALL_RUNS && this.hasRunFilms(view)) return;
    this.otherTask.run(async (signal) => {
      const stepsOf = (run: string) => this.stepsIn(run, view.tag, signal);
      if (target === ALL_RUNS) {
        store.found.value = null;
        const { films, said } = await loadRunFilms(store, this.film, view, stepsOf, signal);
        signal.throwIfAborted();
        store.runFilms.value = films;
        store.otherNote.value = said;
        return;
      }
      const other = await findOther(target, view, index, stepsOf);
      signal.throwIfAborted();
      if (typeof other === "string") throw new Error(other);
      const tensor = await this.tensors.get(viewQuery(other.key), signal);
      signal.throwIfAborted();
      store.otherNote.value = other.note;
      store.found.value = { of: view, target, view: viewOf(other.key, tensor), name: other.name };
    });
  }

  /** Whether the films of all runs are here already; at another step they are the same. */
  private hasRunFilms(view: LayerView): boolean {
    const { channel, depth, runFilms } = this.store;
    const id = channelId(view.info, channel.peek() ?? 0);
    const subject = JSON.stringify([view.run, view.tag, view.example, view.pool, id, depth.peek()]);
    if (subject === this.runsOf && runFilms.peek().length > 0) return true;
    this.runsOf = subject;
    runFilms.value = [];
    return false;
  }

  private async stepsIn(run: string, tag: string, signal: AbortSignal): Promise<StepIndex> {
    const name = JSON.stringify([run, tag]);
    const index = this.elsewhere.get(name) ?? (await this.client.steps(run, tag, signal));
    this.elsewhere.set(name, index);
    return index;
  }

  private openFilm(): void {
    const subject = this.subject();
    // As the inspector: where the filter leaves no channel, it is of the first.
    const channel = this.store.channel.peek() ?? 0;
    if (subject?.index.complete) this.film.open(subject.view, channel, subject.index.steps);
  }
}
