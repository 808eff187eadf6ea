/**
 * Keeps the server's answers in step with the selection: for each thing shown one task at a time, the
 * older aborted, and what is here already shown at once.
 */
import { batch, computed, effect, untracked } from "@preact/signals";
import { type Loadable, ready } from "../data/answers";
import type { Client } from "../data/client";
import { columnsAreSteps, defaultLayer, defaultRun } from "../state/choose";
import { say, unsay } from "../state/notices";
import type { Store } from "../state/store";
import { Connection } from "./connection";
import { follow } from "./follow";
import { absence, knownOnly, sayGone } from "./known";
import { Latest, settle } from "./latest";
import { Provisional } from "./provisional";
import { Surroundings } from "./surroundings";
import { TensorStore } from "./tensors";
import { Views } from "./views";

/** One cell of the strip a step, as far as that fits. */
const OVERVIEW_COLUMNS = 88;
const RETRY_MS = 1000;

/** What has nothing yet is asked for again; once it has, `follow` looks for the rest. */
function later(signal: AbortSignal, again: () => void): void {
  setTimeout(() => !signal.aborted && again(), RETRY_MS);
}

export class Loader {
  readonly tensors: TensorStore;
  private readonly client: Client;
  private readonly connection: Connection;
  private readonly views: Views;
  private readonly surroundings: Surroundings;
  private readonly tagTask: Latest;
  private readonly overviewTask: Latest;
  private readonly stepsTask: Latest;
  private readonly provisional = new Provisional();
  /** Once, for the first layer opened. */
  private linkChecked = false;
  /** Whether the chosen run is known to be there: nothing is asked of one that is not. */
  private readonly exists = computed(() => {
    return ready(this.store.tags.value)?.has(this.store.run.value ?? "") ?? false;
  });

  constructor(
    private readonly store: Store,
    client: Client,
  ) {
    this.connection = new Connection(store, () => this.reload());
    this.client = knownOnly(this.connection.over(client), store);
    this.tensors = new TensorStore(this.client);
    this.views = new Views(store, this.client, this.tensors);
    this.surroundings = new Surroundings(store, this.client, this.tensors);
    const failed = <T>(of: { value: Loadable<T> }, message: string) => {
      if (!ready(of.value)) of.value = { state: "failed", message };
    };
    this.tagTask = new Latest((message) => message !== null && failed(store.tags, message));
    this.overviewTask = new Latest((message) => {
      if (message === null) return;
      failed(store.overview, message);
      this.chooseLayer();
      if (store.run.peek() !== null) this.surroundings.inputs.load(store.run.peek()!);
    });
    this.stepsTask = new Latest((message, error) => {
      if (message === null) return;
      failed(store.stepIndex, message);
      this.views.fail(message, error);
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
      if (untracked(() => absence(store, run, layer)) === null) {
        untracked(() => this.openLayer(run, layer));
      }
    });
    effect(() => {
      const [info, example] = [store.info.value, store.example.value];
      const pool = store.pool.value;
      if (info) untracked(() => this.views.open(info, example, pool));
    });
    effect(() => {
      if (store.window.value.lockSteps) untracked(() => this.views.lock());
    });
    this.surroundings.start();
    follow(store, this.client, {
      all: () => this.reload(),
      run: (run) => this.openRun(run),
      layer: (run, layer) => this.openLayer(run, layer),
      inputs: (run) => this.surroundings.inputs.load(run, false),
    });
  }

  /** Asks for everything again at once; what is chosen stays. */
  readonly retry = (): void => this.connection.retry();

  /** Asks for everything again; what is chosen stays. */
  reload(): void {
    const { store } = this;
    if (!ready(store.tags.peek())) store.tags.value = { state: "loading" };
    const [run, layer, existed] = [store.run.peek(), store.layer.peek(), this.exists.peek()];
    this.tagTask.run(async (signal) => {
      const tags = await this.client.tags(signal);
      batch(() => {
        store.tags.value = { state: "ready", value: tags };
        this.chooseRun();
      });
      // What changed is followed anyway.
      if (run === null || run !== store.run.peek() || !existed || !this.exists.peek()) return;
      this.openRun(run);
      if (layer !== null && layer === store.layer.peek()) this.openLayer(run, layer);
    });
  }

  /** The run asked for where the log has it, or what of it is on screen; else the one to look at first. */
  private chooseRun(): void {
    const { store } = this;
    const tags = ready(store.tags.peek());
    const wanted = store.run.peek();
    if (!tags) return;
    if (wanted === null || tags.has(wanted)) {
      if (wanted === null) store.run.value = defaultRun(tags);
      else unsay(store, "run");
      return;
    }
    const gone = `There is no run “${wanted}” any more`;
    if (store.view.peek()?.run === wanted) {
      say(store, "run", `${gone}; what was read of it stays on screen.`);
      // A server that was just started still reads its log.
      if (this.connection.recovering) this.connection.askLater(null);
      return;
    }
    const run = defaultRun(tags);
    if (run !== null) say(store, "run", `${gone}; this is “${run}”.`);
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
      this.surroundings.inputs.load(run);
      if (!overview.complete && overview.layers.size === 0) later(signal, () => this.openRun(run));
    });
  }

  /** The layer asked for where the run has it, else the one to look at first. */
  private chooseLayer(): void {
    const { store } = this;
    const run = store.run.peek();
    const overview = ready(store.overview.peek());
    const infos = ready(store.tags.peek())?.get(run ?? "") ?? [];
    const wanted = this.provisional.wish(store);
    if (wanted !== null && absence(store, run ?? "", wanted) === null) {
      unsay(store, "layer");
      return;
    }
    // Without an overview the first that is no input has to do.
    const first = infos.find((info) => info.kind !== "input") ?? infos[0];
    const layer = overview ? defaultLayer(overview) : (first?.tag ?? null);
    if (wanted !== null && layer !== null) {
      say(store, "layer", `Run “${run}” has no layer “${wanted}”; this is “${layer}”.`);
    }
    store.layer.value = layer;
    this.provisional.keep(layer, overview);
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
      if (index.steps.length === 0 && index.complete)
        throw new Error(`“${layer}” holds no readable step`);
      const before = store.info.peek();
      batch(() => {
        store.stepIndex.value = { state: "ready", value: index };
        if (index.complete && !this.linkChecked) sayGone(store, index);
        this.linkChecked ||= index.complete;
      });
      // A step that stands as it stood tells nobody that it is here.
      if (before && before === store.info.peek())
        this.views.open(before, store.example.peek(), store.pool.peek());
      this.views.renewTable(index);
      // Another step brings its own surroundings.
      if (same && !store.stale.peek()) this.surroundings.renew();
      if (index.steps.length === 0) later(signal, () => this.openLayer(run, layer));
    });
  }
}
