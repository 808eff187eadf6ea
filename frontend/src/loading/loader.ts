/**
 * Keeps the server's answers in step with the selection: for each thing shown one task at a time, the
 * older aborted, and what is here already shown at once.
 */
import { batch, computed, effect, untracked } from "@preact/signals";
import { type Loadable, ready } from "../data/answers";
import type { Client } from "../data/client";
import { columnsAreSteps, defaultLayer, defaultRun } from "../state/choose";
import type { Store } from "../state/store";
import { Latest, settle } from "./latest";
import { checkLink } from "./link";
import { Surroundings } from "./surroundings";
import { TensorStore } from "./tensors";
import { Views } from "./views";

/** One cell of the strip a step, as far as that fits. */
const OVERVIEW_COLUMNS = 88;
const RETRY_MS = 1000;

export class Loader {
  readonly tensors: TensorStore;
  private readonly views: Views;
  private readonly surroundings: Surroundings;
  private readonly tagTask: Latest;
  private readonly overviewTask: Latest;
  private readonly stepsTask: Latest;
  /** Once, for the first layer opened. */
  private linkChecked = false;
  /** Whether the chosen run is known to be there: nothing is asked of one that is not. */
  private readonly exists = computed(() => {
    return ready(this.store.tags.value)?.has(this.store.run.value ?? "") ?? false;
  });

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.tensors = new TensorStore(client);
    this.views = new Views(store, client, this.tensors);
    this.surroundings = new Surroundings(store, client, this.tensors);
    const failed = <T>(of: { value: Loadable<T> }) =>
      new Latest((message) => {
        if (!ready(of.value)) of.value = { state: "failed", message };
      });
    this.tagTask = failed(store.tags);
    this.overviewTask = failed(store.overview);
    this.stepsTask = new Latest((message) => {
      batch(() => {
        store.stepIndex.value = { state: "failed", message };
        store.loading.value = false;
        store.error.value = message;
      });
    });
  }

  /** Starts to follow the selection. */
  start(): void {
    const { store } = this;
    this.reload();
    effect(() => {
      const run = store.run.value;
      if (run !== null && this.exists.value) untracked(() => this.openRun(run));
    });
    effect(() => {
      const step = store.step.value;
      untracked(() => this.refreshOverviewAt(step));
    });
    effect(() => {
      const [run, layer] = [store.run.value, store.layer.value];
      if (run === null || layer === null || !this.exists.value) return;
      if (untracked(() => this.hasLayer(run, layer))) untracked(() => this.openLayer(run, layer));
    });
    effect(() => {
      const [info, example] = [store.info.value, store.example.value];
      if (info) untracked(() => this.views.open(info, example));
    });
    this.surroundings.start();
  }

  private hasLayer(run: string, layer: string): boolean {
    const infos = ready(this.store.tags.peek())?.get(run);
    return infos?.some((info) => info.tag === layer) ?? false;
  }

  /** Asks for everything again; what is chosen stays. */
  reload(): void {
    const { store } = this;
    const first = ready(store.tags.peek()) === null;
    if (first) store.tags.value = { state: "loading" };
    this.tagTask.run(async (signal) => {
      const tags = await this.client.tags(signal);
      const chosen = store.run.peek();
      const keep = chosen !== null && tags.has(chosen);
      const run = keep ? chosen : defaultRun(tags);
      batch(() => {
        store.tags.value = { state: "ready", value: tags };
        if (!keep) this.replaceRun(chosen, run);
      });
    });
    const [run, layer] = [store.run.peek(), store.layer.peek()];
    if (first || run === null) return;
    this.openRun(run);
    if (layer !== null) this.openLayer(run, layer);
  }

  private replaceRun(wanted: string | null, run: string | null): void {
    const { store } = this;
    if (wanted !== null && run !== null) {
      store.notice.value = `There is no run "${wanted}" any more; this is "${run}".`;
    }
    store.run.value = run;
  }

  private openRun(run: string): void {
    const { store, client } = this;
    const same = ready(store.overview.peek())?.run === run;
    if (!same) store.overview.value = { state: "loading" };
    this.overviewTask.run(async (signal) => {
      const overview = await client.overview(run, OVERVIEW_COLUMNS, store.step.peek(), signal);
      batch(() => {
        store.overview.value = { state: "ready", value: overview };
        this.chooseLayer();
      });
      await this.surroundings.loadInputs(run, signal);
      if (!overview.complete) setTimeout(() => !signal.aborted && this.openRun(run), RETRY_MS);
    });
  }

  /** The layer asked for where the run has it, else the one to look at first. */
  private chooseLayer(): void {
    const { store } = this;
    const overview = ready(store.overview.peek());
    if (!overview) return;
    const wanted = store.layer.peek();
    if (wanted !== null && overview.layers.has(wanted)) return;
    const layer = defaultLayer(overview);
    if (wanted !== null && layer !== null) {
      store.notice.value = `Run "${overview.run}" has no layer "${wanted}"; this is "${layer}".`;
    }
    store.layer.value = layer;
  }

  /** Where a column stands for several steps, the health at one step is asked for. */
  private refreshOverviewAt(step: number | null): void {
    const known = ready(this.store.overview.peek());
    if (!known || columnsAreSteps(known)) return;
    const { run } = known;
    this.overviewTask.run(async (signal) => {
      await settle(signal);
      const overview = await this.client.overview(run, OVERVIEW_COLUMNS, step, signal);
      this.store.overview.value = { state: "ready", value: overview };
    });
  }

  private openLayer(run: string, layer: string): void {
    const { store } = this;
    const known = ready(store.stepIndex.peek());
    const same = known?.run === run && known.tag === layer;
    batch(() => {
      store.loading.value = true;
      if (!same) store.stepIndex.value = { state: "loading" };
    });
    if (!same) this.views.cancel();
    this.stepsTask.run(async (signal) => {
      const index = await this.client.steps(run, layer, signal);
      batch(() => {
        store.stepIndex.value = { state: "ready", value: index };
        if (index.complete && !this.linkChecked && index.steps.length > 0) {
          this.linkChecked = true;
          checkLink(store, index);
        }
        const before = store.view.peek();
        const unchanged = before && same && before.info.wallTime === store.info.peek()?.wallTime;
        if (unchanged) store.loading.value = false;
      });
      if (index.steps.length === 0) throw new Error(`"${layer}" holds no readable step`);
      this.views.renewTable(index);
      if (!index.complete)
        setTimeout(() => !signal.aborted && this.openLayer(run, layer), RETRY_MS);
    });
  }
}
