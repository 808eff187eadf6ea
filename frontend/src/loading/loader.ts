/**
 * Keeps the server's answers in step with the selection: for each thing shown one task at a time, the
 * older aborted, and what is here already shown at once.
 */

import { batch, computed, effect, untracked } from "@preact/signals";
import type { LayerView, Loadable, StatsTable, StepIndex, StepInfo } from "../data/answers";
import { ready } from "../data/answers";
import type { Client } from "../data/client";
import { loadRow, loadTable, rowBytes, withRow } from "../data/statistics";
import { sameView, type ViewKey, viewOf, viewQuery } from "../data/view";
import { columnsAreSteps, defaultLayer, defaultRun, positionAt } from "../state/choose";
import type { Store } from "../state/store";
import { Latest, settle } from "./latest";
import { Surroundings } from "./surroundings";
import { TensorStore } from "./tensors";

/** One cell of the strip a step, as far as that fits. */
export const OVERVIEW_COLUMNS = 88;
/** Statistics of all steps come in the first request up to here, else the shown step's alone. */
const SMALL_TABLE_BYTES = 2 ** 20;
const RETRY_MS = 1000;

export class Loader {
  readonly tensors: TensorStore;
  private readonly surroundings: Surroundings;
  private readonly tagTask: Latest;
  private readonly overviewTask: Latest;
  private readonly stepsTask: Latest;
  private readonly viewTask: Latest;
  private readonly tableTask = new Latest(() => undefined);
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
    this.viewTask = new Latest((message) => {
      batch(() => {
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
      if (info) untracked(() => this.openView(info, example));
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

  /** Once, for the first layer opened: what an address asks for and the log no longer holds. */
  private checkLink(index: StepIndex): void {
    const { store } = this;
    const last = index.steps.at(-1);
    if (this.linkChecked || !last) return;
    this.linkChecked = true;
    const gone: string[] = [];
    const step = store.step.peek();
    if (step !== null && !index.steps.some((info) => info.step === step)) {
      gone.push(`step ${step}`);
      const apart = (info: StepInfo) => Math.abs(info.step - step);
      store.step.value = index.steps.reduce((a, b) => (apart(b) < apart(a) ? b : a)).step;
    }
    const example = store.example.peek();
    if (example >= last.examples.length) {
      gone.push(`example ${example}`);
      store.example.value = Math.max(0, last.examples.length - 1);
    }
    const channel = store.channel.peek();
    if (channel !== null && channel >= (last.shape.at(-1) ?? 0)) {
      gone.push(`channel ${channel}`);
      store.channel.value = null;
    }
    if (gone.length > 0) {
      store.notice.value = `"${index.tag}" holds no ${gone.join(", no ")}; the nearest is shown.`;
    }
  }

  private openLayer(run: string, layer: string): void {
    const { store } = this;
    const known = ready(store.stepIndex.peek());
    const same = known?.run === run && known.tag === layer;
    batch(() => {
      store.loading.value = true;
      if (!same) store.stepIndex.value = { state: "loading" };
    });
    if (!same) this.viewTask.cancel();
    this.stepsTask.run(async (signal) => {
      const index = await this.client.steps(run, layer, signal);
      batch(() => {
        store.stepIndex.value = { state: "ready", value: index };
        if (index.complete) this.checkLink(index);
        const before = store.view.peek();
        const unchanged = before && same && before.info.wallTime === store.info.peek()?.wallTime;
        if (unchanged) store.loading.value = false;
      });
      if (index.steps.length === 0) throw new Error(`"${layer}" holds no readable step`);
      const table = store.stats.peek();
      const stale = table && table.tag === layer && table.run === run && !sameSteps(table, index);
      if (stale) this.loadWholeTable(index);
      if (!index.complete)
        setTimeout(() => !signal.aborted && this.openLayer(run, layer), RETRY_MS);
    });
  }

  private openView(info: StepInfo, wanted: number): void {
    const { store } = this;
    const index = ready(store.stepIndex.peek());
    if (!index) return;
    const { run, tag } = index;
    const example = Math.max(0, Math.min(wanted, info.examples.length - 1));
    const key: ViewKey = { run, tag, kind: this.kindOf(run, tag), info, example };
    const shown = store.view.peek();
    if (info.omitted !== null) this.showOmitted(info.omitted);
    if (info.omitted !== null || (shown && sameView(shown, key))) {
      this.viewTask.cancel();
      if (info.omitted === null) store.loading.value = false;
      return;
    }
    const here = this.tensors.peek(viewQuery(key));
    const table = this.tableFor(key);
    if (here && table) {
      this.viewTask.cancel();
      this.show(viewOf(key, here), table);
      return;
    }
    store.loading.value = true;
    this.viewTask.run(async (signal) => {
      const [tensor, stats] = await Promise.all([
        this.tensors.get(viewQuery(key), signal),
        table ?? this.loadTableFor(key, index, signal),
      ]);
      signal.throwIfAborted();
      this.show(viewOf(key, tensor), stats);
    });
  }

  private show(view: LayerView, stats: StatsTable): void {
    const { store } = this;
    batch(() => {
      store.view.value = view;
      store.stats.value = stats;
      store.loading.value = false;
      store.error.value = null;
    });
    const index = ready(store.stepIndex.peek());
    if (!stats.complete && index && stats.steps.length === 1) this.loadWholeTable(index);
  }

  private showOmitted(reason: string): void {
    batch(() => {
      this.store.loading.value = false;
      this.store.error.value = `This record holds no values: ${reason}`;
    });
  }

  private kindOf(run: string, tag: string): LayerView["kind"] {
    const infos = ready(this.store.tags.peek())?.get(run);
    return infos?.find((info) => info.tag === tag)?.kind ?? "activation";
  }

  /** The table of the layer, where it holds the step. */
  private tableFor(key: ViewKey): StatsTable | null {
    const table = this.store.stats.peek();
    const fits = table && table.tag === key.tag && table.run === key.run;
    return fits && table.steps.includes(key.info.step) ? table : null;
  }

  private async loadTableFor(
    key: ViewKey,
    index: StepIndex,
    signal: AbortSignal,
  ): Promise<StatsTable> {
    const known = this.store.stats.peek();
    const mine = known && known.tag === key.tag && known.run === key.run ? known : null;
    const small = rowBytes(key.info.channels) * index.steps.length <= SMALL_TABLE_BYTES;
    if (small) return await loadTable(this.client, index, signal);
    const row = await loadRow(this.client, index, positionAt(index.steps, key.info.step), signal);
    return mine ? withRow(mine, row) : row;
  }

  private loadWholeTable(index: StepIndex): void {
    this.tableTask.run(async (signal) => {
      const table = await loadTable(this.client, index, signal);
      const view = this.store.view.peek();
      if (view?.run !== index.run || view.tag !== index.tag) return;
      const row = this.store.stats.peek();
      const complete = row && row.steps.length === 1 ? withRow(table, row) : table;
      this.store.stats.value = complete;
    });
  }
}

function sameSteps(table: StatsTable, index: StepIndex): boolean {
  return !table.complete || table.steps.length === index.steps.length;
}
