/** Asks how each run is, one after the other, while their list is open. */
import { effect, untracked } from "@preact/signals";
import { ready } from "../data/answers";
import type { Client } from "../data/client";
import { healthOf, runEntries } from "../state/runs";
import type { Store } from "../state/store";

/** So many runs are asked for: the newest. */
const MOST = 100;
/** Enough to tell the first steps from the last. */
const COLUMNS = 16;

export function watchRuns(store: Store, client: Client): void {
  effect(() => {
    if (!store.runsOpen.value) return;
    const abort = new AbortController();
    untracked(() => void ask(store, client, abort.signal).catch(() => {}));
    return () => abort.abort();
  });
}

async function ask(store: Store, client: Client, signal: AbortSignal): Promise<void> {
  const entries = runEntries(ready(store.tags.peek()) ?? new Map());
  for (const { run, written } of entries.slice(0, MOST)) {
    if (store.runHealth.peek().get(run)?.written === written) continue;
    const overview = await client.overview(run, COLUMNS, null, signal);
    signal.throwIfAborted();
    const health = healthOf(overview, written);
    if (overview.complete) store.runHealth.value = new Map(store.runHealth.peek()).set(run, health);
  }
}
