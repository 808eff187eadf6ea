/** Fetches what the grid shows: the values of one example at one step, and the layer's statistics. */
import { batch } from "@preact/signals";
import {
  type LayerView,
  ready,
  type StatsTable,
  type StepIndex,
  type StepInfo,
} from "../data/answers";
import type { Pool } from "../data/choices";
import { type Client, Unreachable } from "../data/client";
import { labelsOf } from "../data/labels";
import { isOf, loadRow, loadTable, rowAt, rowBytes, sampleOf, withRow } from "../data/statistics";
import { sameView, type ViewKey, viewOf, viewQuery } from "../data/view";
import { positionAt } from "../state/choose";
import { clampedExample, showView } from "../state/chosen";
import { setFailure } from "../state/notices";
import type { Store } from "../state/store";
import { Latest, messageOf } from "./latest";
import type { TensorStore } from "./tensors";

/** Statistics of all steps come in the first request up to here, else the shown step's alone. */
const SMALL_TABLE_BYTES = 2 ** 20;

/** How long values wait for their statistics before they are shown without. */
const LATE_MS = 1000;

function wait(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), ms));
}

export class Views {
  private readonly task: Latest;
  private readonly tableTask: Latest;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly tensors: TensorStore,
  ) {
    this.task = new Latest((message, error) => message !== null && this.fail(message, error));
    this.tableTask = new Latest((message) => setFailure(store, "statistics", message));
  }

  /** Drops what is on its way: another layer comes. */
  cancel(): void {
    this.task.cancel();
  }

  /** Says why what is chosen cannot be shown. Where nobody answers, what is shown stays. */
  fail(message: string, error: unknown): void {
    const { store } = this;
    batch(() => {
      store.loading.value = false;
      if (error instanceof Unreachable && store.view.peek()) return;
      store.error.value = message;
    });
  }

  /** Shows a step: at once where its values are here. `wanted` is the position of an example. */
  open(info: StepInfo, wanted: number, pool: Pool | null): void {
    const { store } = this;
    const index = ready(store.stepIndex.peek());
    if (!index) return;
    const { run, tag } = index;
    const example = clampedExample(wanted, info.examples.length);
    const key: ViewKey = { run, tag, kind: this.kindOf(run, tag), info, example, pool };
    const shown = store.view.peek();
    if (info.omitted !== null) this.showOmitted(info.omitted);
    if (info.omitted !== null || (shown && sameView(shown, key))) {
      this.task.cancel();
      if (info.omitted === null) this.settled();
      return;
    }
    const here = this.tensors.peek(viewQuery(key));
    const table = this.tableFor(key);
    if (here && table && labelsOf(info) !== undefined) {
      this.task.cancel();
      this.show(viewOf(key, here), table);
      return;
    }
    store.loading.value = true;
    this.task.run(async (signal) => {
      const row = table ?? this.loadTableFor(key, index, signal);
      const labels = this.client.labels(index, positionAt(index.steps, info.step), signal);
      const tensor = await this.tensors.get(viewQuery(key), signal);
      await labels.catch(() => undefined);
      const stats = await Promise.race([row, wait(LATE_MS)]);
      signal.throwIfAborted();
      this.show(viewOf(key, tensor), stats);
      if (stats) return;
      const late = await row;
      if (late && !signal.aborted) store.stats.value = late;
    });
  }

  /** Fetches the statistics anew where the log has grown, or where they could not be had. */
  renewTable(index: StepIndex): void {
    const table = this.store.stats.peek();
    const mine = table?.tag === index.tag && table.run === index.run;
    const failed = this.store.failures.peek().statistics !== undefined;
    if (failed || (mine && !isOf(table, index))) this.loadWholeTable(index);
  }

  /** What is chosen is what is shown. */
  private settled(): void {
    batch(() => {
      this.store.loading.value = false;
      this.store.error.value = null;
    });
  }

  private show(view: LayerView, stats: StatsTable | null): void {
    const { store } = this;
    try {
      showView(store, view, stats);
    } catch (error) {
      // Something around the view failed to paint it: the view itself is here.
      reportError(error);
    }
    const index = ready(store.stepIndex.peek());
    if (stats && !stats.complete && index && stats.steps.length === 1) this.loadWholeTable(index);
  }

  private showOmitted(reason: string): void {
    this.fail(`This record holds no values: ${reason}`, null);
  }

  private kindOf(run: string, tag: string): LayerView["kind"] {
    const infos = ready(this.store.tags.peek())?.get(run);
    return infos?.find((info) => info.tag === tag)?.kind ?? "activation";
  }

  /** The table of the layer, where it holds the step. */
  private tableFor(key: ViewKey): StatsTable | null {
    const table = this.store.stats.peek();
    const fits = table && table.tag === key.tag && table.run === key.run;
    return fits && rowAt(table, key.info) ? table : null;
  }

  /** Null where it cannot be had, which is said where statistics stand. */
  private async loadTableFor(
    key: ViewKey,
    index: StepIndex,
    signal: AbortSignal,
  ): Promise<StatsTable | null> {
    const { store, client } = this;
    const known = store.stats.peek();
    const mine = known && known.tag === key.tag && known.run === key.run ? known : null;
    const [{ length }, { channels }] = [index.steps, key.info];
    const position = positionAt(index.steps, key.info.step);
    const sample = sampleOf(length, channels, false);
    // A sample has the first step and the last.
    const has = !sample || (!mine && (position === 0 || position === length - 1));
    const small = has && rowBytes(channels) * (sample ?? length) <= SMALL_TABLE_BYTES;
    try {
      const table = small
        ? await loadTable(client, index, signal)
        : await loadRow(client, index, position, signal);
      setFailure(store, "statistics", null);
      return mine && !small ? withRow(mine, table) : table;
    } catch (error) {
      if (!signal.aborted) setFailure(store, "statistics", messageOf(error));
      return null;
    }
  }

  /** Fetches what `Lock over steps` needs: the statistics of every step. */
  lock(): void {
    const index = ready(this.store.stepIndex.peek());
    if (index && this.store.stats.peek()?.complete === false) this.loadWholeTable(index);
  }

  private loadWholeTable(index: StepIndex): void {
    this.tableTask.run(async (signal) => {
      const { lockSteps } = this.store.window.peek();
      const known = this.store.stats.peek();
      const table = await loadTable(this.client, index, signal, lockSteps, known);
      const view = this.store.view.peek();
      if (view?.run !== index.run || view.tag !== index.tag) return;
      const row = this.store.stats.peek();
      const extra = row?.steps.length === 1 && row.run === index.run && row.tag === index.tag;
      this.store.stats.value = extra ? withRow(table, row) : table;
    });
  }
}
