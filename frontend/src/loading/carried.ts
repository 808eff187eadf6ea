/** Finds the attribution that was taken at the shown layer, and what its channels add at each step. */
import { type LayerView, ready, type StepIndex, type StepInfo } from "../data/answers";
import type { Client } from "../data/client";
import { type ViewKey, viewOf, viewQuery } from "../data/view";
import { channelSums, firstTarget } from "../state/carried";
import { positionAt } from "../state/choose";
import type { Store } from "../state/store";
import type { Latest } from "./latest";
import { settle } from "./latest";
import { type TensorStore, tensorBytes } from "./tensors";

/** Of longer logs, and larger layers, so much is read. */
const STEPS = 96;
const BYTES = 16 * 2 ** 20;

export class CarriedBy {
  /** Steps of the run's attributions, until the log is read anew. */
  private readonly known = new Map<string, StepIndex>();

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly tensors: TensorStore,
    private readonly task: Latest,
  ) {}

  renew(): void {
    this.known.clear();
  }

  open(view: LayerView): void {
    const { store } = this;
    const infos = ready(store.tags.peek())?.get(view.run) ?? [];
    const tags = infos.filter(({ layer, tag }) => layer === view.tag && tag !== view.tag);
    if (view.kind !== "activation" || tags.length === 0) {
      this.task.cancel();
      store.carried.value = null;
      return;
    }
    this.task.run(async (signal) => {
      await settle(signal);
      for (const { tag } of tags) {
        const index = await this.stepsOf(view.run, tag, signal);
        const held = index.steps.filter((info) => fits(info, view));
        if (held.length > 0) return await this.read(view, { ...index, steps: held }, signal);
      }
      store.carried.value = null;
    });
  }

  private async stepsOf(run: string, tag: string, signal: AbortSignal): Promise<StepIndex> {
    const key = JSON.stringify([run, tag]);
    const index = this.known.get(key) ?? (await this.client.steps(run, tag, signal));
    this.known.set(key, index);
    return index;
  }

  /** The step shown first, then what there is room for. */
  private async read(view: LayerView, index: StepIndex, signal: AbortSignal): Promise<void> {
    const { run, tag, steps } = index;
    const id = view.info.examples[view.example]!;
    const keyOf = (info: StepInfo): ViewKey => {
      const example = info.examples.indexOf(id);
      return { run, tag, kind: "attribution", info, example };
    };
    const own = steps[positionAt(steps, view.info.step)]!;
    const room = Math.floor(BYTES / Math.max(1, tensorBytes(viewQuery(keyOf(own)))));
    const chosen = new Set([own, ...evenly(steps, Math.max(1, Math.min(STEPS, room)))]);
    const found = new Map<StepInfo, Float64Array>();
    let shown: LayerView | null = null;
    for (const info of chosen) {
      const key = keyOf(info);
      const read = viewOf(key, await this.tensors.get(viewQuery(key), signal));
      signal.throwIfAborted();
      shown ??= read;
      found.set(info, channelSums(read));
      if (found.size > 1 && found.size < chosen.size) continue;
      const ordered = [...found].sort(([a], [b]) => a.step - b.step);
      this.store.carried.value = {
        ...{ run, tag, layer: view.tag, example: id, view: shown },
        method: own.explained?.method ?? "",
        target: firstTarget(own, keyOf(own).example),
        steps: ordered.map(([{ step }]) => step),
        sums: ordered.map(([, sums]) => sums),
        count: steps.length,
      };
    }
  }
}

/** Whether a record divides its targets by the channels of the layer, and explains the example. */
function fits(info: StepInfo, view: LayerView): boolean {
  const id = view.info.examples[view.example]!;
  const { parts = 1, summed = true } = info.explained ?? {};
  const divided = !summed && parts === view.info.channels;
  return info.omitted === null && divided && info.examples.includes(id);
}

function evenly<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  const last = items.length - 1;
  return Array.from(
    { length: most },
    (_, i) => items[Math.floor((i * last) / Math.max(1, most - 1))]!,
  );
}
