/**
 * Fetches what is likely to be looked at next: the neighbouring steps, then, where it is small, the
 * layer's whole film, so that dragging from the first step to the last never waits.
 */
import type { TensorQuery } from "../data/client";
import { type TensorStore, tensorBytes } from "./tensors";

const FILM_BYTES = 32 * 2 ** 20;
const AT_ONCE = 2;

/** What to fetch around one position, nearest first; only the neighbours where all is too much. */
export function prefetchPlan(
  queries: readonly TensorQuery[],
  position: number,
): readonly TensorQuery[] {
  const total = queries.reduce((sum, query) => sum + tensorBytes(query), 0);
  const reach = total <= FILM_BYTES ? queries.length : 1;
  const plan: TensorQuery[] = [];
  for (let by = 1; by <= reach; by++) {
    for (const query of [queries[position + by], queries[position - by]]) {
      if (query && query.info.omitted === null) plan.push(query);
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
