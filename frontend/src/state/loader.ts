/**
 * Keeps the server's answers in step with the selection: for each thing shown one task at a time, the
 * older aborted, and what is here already shown at once.
 */
import { batch, computed, effect, untracked } from "@preact/signals";
import type { Client, TensorQuery } from "../data/client";
import { loadRow, loadTable, rowBytes, withRow } from "../data/statistics";
import { TensorStore } from "../data/tensors";
import {
  type LayerView,
  type Loadable,
  RGB,
  type StatsTable,
  type StepIndex,
  type StepInfo,
  type Tensor,
} from "../data/types";
import { channelOf, exampleOf, type ViewKey, viewOf, viewQuery } from "../data/view";
import { sourceOf } from "../render/decode";
import {
  columnsAreSteps,
  defaultLayer,
  defaultRun,
  filmPositions,
  inputInfo,
  positionAt,
} from "./choose";
import { findOther } from "./compare";
import { Latest } from "./latest";
import { Prefetcher, prefetchPlan } from "./prefetch";
import type { FilmFrame, Store } from "./store";

/** One cell of the strip a step, as far as that fits. */
export const OVERVIEW_COLUMNS = 88;
/** Statistics of all steps come in the first request up to here, else the shown step's alone. */
const SMALL_TABLE_BYTES = 2 ** 20;
const SETTLE_MS = 120;
const RETRY_MS = 1000;

export class Loader {
  readonly tensors: TensorStore;
  private readonly prefetcher: Prefetcher;
  private readonly tagTask: Latest;
  private readonly overviewTask: Latest;
  private readonly stepsTask: Latest;
  private readonly viewTask: Latest;
  private readonly tableTask = new Latest(() => undefined);
  private readonly inputTask = new Latest(() => undefined);
  private readonly filmTask = new Latest(() => undefined);
  private readonly otherTask = new Latest((message) => this.showOther(null, "", message));
  private readonly previousTask = new Latest(() => undefined);
  /** Step indices of the run's inputs. */
  private linkChecked = false;
  private inputs: { readonly run: string; readonly indices: readonly StepIndex[] } | null = null;
  /** Whether the chosen run is known to be there: nothing is asked of one that is not. */
  private readonly exists = computed(() => {
    const tags = this.store.tags.value;
    return tags.state === "ready" && tags.value.has(this.store.run.value ?? "");
  });
  private filmSubject = "";
  private filmTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.tensors = new TensorStore(client);
    this.prefetcher = new Prefetcher(this.tensors);
    const failed = <T>(of: { value: Loadable<T> }) =>
      new Latest((message) => {
        if (of.value.state !== "ready") of.value = { state: "failed", message };
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

  private hasLayer(run: string, layer: string): boolean {
    const tags = this.store.tags.peek();
    const infos = tags.state === "ready" ? tags.value.get(run) : undefined;
    return infos?.some((info) => info.tag === layer) ?? false;
  }

  /** Asks for everything again; what is chosen stays. */
  reload(): void {
    const { store } = this;
    const first = store.tags.peek().state !== "ready";
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
    const known = store.overview.peek();
    const same = known.state === "ready" && known.value.run === run;
    if (!same) store.overview.value = { state: "loading" };
    this.overviewTask.run(async (signal) => {
      const overview = await client.overview(run, OVERVIEW_COLUMNS, store.step.peek(), signal);
      batch(() => {
        store.overview.value = { state: "ready", value: overview };
        this.chooseLayer();
      });
      await this.loadInputs(run, signal);
      if (!overview.complete) setTimeout(() => !signal.aborted && this.openRun(run), RETRY_MS);
    });
  }

  /** The layer asked for where the run has it, else the one to look at first. */
  private chooseLayer(): void {
    const { store } = this;
    const overview = store.overview.peek();
    if (overview.state !== "ready") return;
    const wanted = store.layer.peek();
    if (wanted !== null && overview.value.layers.has(wanted)) return;
    const layer = defaultLayer(overview.value);
    if (wanted !== null && layer !== null) {
      store.notice.value = `Run "${overview.value.run}" has no layer "${wanted}"; this is "${layer}".`;
    }
    store.layer.value = layer;
  }

  /** Where a column stands for several steps, the health at one step is asked for. */
  private refreshOverviewAt(step: number | null): void {
    const known = this.store.overview.peek();
    if (known.state !== "ready" || columnsAreSteps(known.value)) return;
    const { run } = known.value;
    this.overviewTask.run(async (signal) => {
      await settle(SETTLE_MS, signal);
      const overview = await this.client.overview(run, OVERVIEW_COLUMNS, step, signal);
      this.store.overview.value = { state: "ready", value: overview };
    });
  }

  private async loadInputs(run: string, signal: AbortSignal): Promise<void> {
    const tags = this.store.tags.peek();
    if (tags.state !== "ready") return;
    const inputs = (tags.value.get(run) ?? []).filter((info) => info.kind === "input").slice(0, 4);
    const indices = await Promise.all(
      inputs.map((info) => this.client.steps(run, info.tag, signal)),
    );
    this.inputs = { run, indices };
    const view = this.store.view.peek();
    if (view) this.openInput(view);
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
    const known = store.stepIndex.peek();
    const same = known.state === "ready" && known.value.run === run && known.value.tag === layer;
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
    const index = store.stepIndex.peek();
    if (index.state !== "ready") return;
    const { run, tag } = index.value;
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
        table ?? this.loadTableFor(key, index.value, signal),
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
    const index = store.stepIndex.peek();
    if (!stats.complete && index.state === "ready" && stats.steps.length === 1) {
      this.loadWholeTable(index.value);
    }
  }

  private showOmitted(reason: string): void {
    batch(() => {
      this.store.loading.value = false;
      this.store.error.value = `This record holds no values: ${reason}`;
    });
  }

  private kindOf(run: string, tag: string): LayerView["kind"] {
    const tags = this.store.tags.peek();
    const infos = tags.state === "ready" ? tags.value.get(run) : undefined;
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

  /** What stands around a view: its input, the step before it, and what may be asked for next. */
  private surround(view: LayerView): void {
    const index = this.store.stepIndex.peek();
    if (index.state !== "ready" || index.value.tag !== view.tag) return;
    this.openInput(view);
    const keys = index.value.steps.map((info) => ({ ...view, info }) satisfies ViewKey);
    const position = positionAt(
      keys.map((key) => key.info),
      view.info.step,
    );
    this.openPrevious(keys[position - 1] ?? null);
    this.prefetch(view, index.value);
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
    const index = store.stepIndex.peek();
    if (!view || target === null || index.state !== "ready" || index.value.tag !== view.tag) {
      this.otherTask.cancel();
      store.other.value = null;
      return;
    }
    this.otherTask.run(async (signal) => {
      const found = await findOther(this.client, target, view, index.value, signal);
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
    const [view, index] = [this.store.view.peek(), this.store.stepIndex.peek()];
    if (view && index.state === "ready" && index.value.tag === view.tag) {
      this.prefetch(view, index.value);
    }
  }

  private openFilm(view: LayerView, channel: number): void {
    const index = this.store.stepIndex.peek();
    if (index.state !== "ready" || index.value.tag !== view.tag) return;
    const { steps } = index.value;
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

function sameView(view: LayerView, key: ViewKey): boolean {
  return (
    view.run === key.run &&
    view.tag === key.tag &&
    view.example === key.example &&
    view.info.step === key.info.step &&
    view.info.wallTime === key.info.wallTime
  );
}

function sameSteps(table: StatsTable, index: StepIndex): boolean {
  return !table.complete || table.steps.length === index.steps.length;
}

function settle(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
