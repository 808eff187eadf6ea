/**
 * Fetches what is likely to be looked at next: the neighbouring steps, then, where it is small, the
 * layer's whole film, so that dragging from the first step to the last never waits.
 */
import type { StepInfo } from "../data/answers";
import type { TensorQuery } from "../data/client";
import { type TensorStore, tensorBytes } from "./tensors";

const FILM_BYTES = 32 * 2 ** 20;
const FILM_STEPS = 128;
const AT_ONCE = 2;

/** What to fetch around one position, nearest first; only the neighbours where all is too much. */
export function prefetchPlan(
  steps: readonly StepInfo[],
  position: number,
  queryOf: (info: StepInfo) => TensorQuery,
): readonly TensorQuery[] {
  const few = steps.length <= FILM_STEPS;
  const total = few ? steps.reduce((sum, info) => sum + tensorBytes(queryOf(info)), 0) : 0;
  const reach = few && total <= FILM_BYTES ? steps.length : 1;
  const plan: TensorQuery[] = [];
  for (let by = 1; by <= reach; by++) {
    for (const info of [steps[position + by], steps[position - by]]) {
      if (info && info.omitted === null) plan.push(queryOf(info));
    }
  }
  return plan;
}

export class Prefetcher {
  private abort = new AbortController();
  private subject = "";
  private queue: TensorQuery[] = [];
  private running = 0;

  constructor(private readonly tensors: TensorStore) {}

  /** Replaces what is still to come; requests under way for the same subject go on. */
  plan(subject: string, queries: readonly TensorQuery[]): void {
    if (subject !== this.subject) {
      this.abort.abort();
      this.abort = new AbortController();
      this.subject = subject;
    }
    this.queue = queries.filter((query) => !this.tensors.has(query));
    while (this.running < AT_ONCE && this.queue.length > 0) void this.work();
  }

  private async work(): Promise<void> {
    this.running += 1;
    for (let query = this.queue.shift(); query; query = this.queue.shift()) {
      // A failure is said when the step is looked at, not before.
      await this.tensors.get(query, this.abort.signal).catch(() => undefined);
    }
    this.running -= 1;
  }
}
