/** Fetches what the grid shows: the values of one example at one step, and the layer's statistics. */
import { batch } from "@preact/signals";
import {
  type LayerView,
  ready,
  type StatsTable,
  type StepIndex,
  type StepInfo,
} from "../data/answers";
import type { Client } from "../data/client";
import { isOf, loadRow, loadTable, rowAt, rowBytes, withRow } from "../data/statistics";
import { sameView, type ViewKey, viewOf, viewQuery } from "../data/view";
import { positionAt } from "../state/choose";
import type { Store } from "../state/store";
import { Latest } from "./latest";
import type { TensorStore } from "./tensors";

/** Statistics of all steps come in the first request up to here, else the shown step's alone. */
const SMALL_TABLE_BYTES = 2 ** 20;

export class Views {
  private readonly task: Latest;
  private readonly tableTask = new Latest(() => undefined);

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly tensors: TensorStore,
  ) {
    this.task = new Latest((message) => {
      batch(() => {
        store.loading.value = false;
        store.error.value = message;
      });
    });
  }

  /** Drops what is on its way: another layer comes. */
  cancel(): void {
    this.task.cancel();
  }

  /** Shows a step: at once where its values are here. `wanted` is the position of an example. */
  open(info: StepInfo, wanted: number): void {
    const { store } = this;
    const index = ready(store.stepIndex.peek());
    if (!index) return;
    const { run, tag } = index;
    const example = Math.max(0, Math.min(wanted, info.examples.length - 1));
    const key: ViewKey = { run, tag, kind: this.kindOf(run, tag), info, example };
    const shown = store.view.peek();
    if (info.omitted !== null) this.showOmitted(info.omitted);
    if (info.omitted !== null || (shown && sameView(shown, key))) {
      this.task.cancel();
      if (info.omitted === null) store.loading.value = false;
      return;
    }
    const here = this.tensors.peek(viewQuery(key));
    const table = this.tableFor(key);
    if (here && table) {
      this.task.cancel();
      this.show(viewOf(key, here), table);
      return;
    }
    store.loading.value = true;
    this.task.run(async (signal) => {
      const [tensor, stats] = await Promise.all([
        this.tensors.get(viewQuery(key), signal),
        table ?? this.loadTableFor(key, index, signal),
      ]);
      signal.throwIfAborted();
      this.show(viewOf(key, tensor), stats);
    });
  }

  /** Fetches the statistics anew where the log has grown. */
  renewTable(index: StepIndex): void {
    const table = this.store.stats.peek();
    if (table?.tag !== index.tag || table.run !== index.run) return;
    if (table.complete && !isOf(table, index)) this.loadWholeTable(index);
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
    return fits && rowAt(table, key.info) ? table : null;
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
