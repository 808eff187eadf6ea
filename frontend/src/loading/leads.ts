/** Reads what the channels of explained layers add, for the tree: one number a channel and step. */
import { effect } from "@preact/signals";
import { ready } from "../data/answers";
import type { Client } from "../data/client";
import { loadTable } from "../data/statistics";
import { type Lead, leadOf } from "../state/leads";
import type { Store } from "../state/store";
import { Latest, settle } from "./latest";

/** So many attributions of a run are read. */
const MOST = 12;

export function watchLeads(store: Store, client: Client): void {
  const task = new Latest(() => {}); // the strip of the magnitudes stays
  const known = new Map<string, { readonly written: string; readonly lead: Lead | null }>();
  effect(() => {
    const [overview, tags] = [ready(store.overview.value), ready(store.tags.value)];
    const infos = tags?.get(overview?.run ?? "") ?? [];
    const taken = infos.filter(({ layer }) => layer !== null);
    if (!overview) return;
    task.run(async (signal) => {
      await settle(signal);
      const found = new Map<string, Lead>();
      for (const { tag } of taken.slice(0, MOST)) {
        const key = JSON.stringify([overview.run, tag]);
        const written = JSON.stringify(overview.layers.get(tag)?.columns); // other with every record
        if (known.get(key)?.written !== written) {
          const index = await client.steps(overview.run, tag, signal);
          known.set(key, { written, lead: leadOf(index, await loadTable(client, index, signal)) });
        }
        const { lead } = known.get(key)!;
        if (lead) found.set(tag, lead);
      }
      signal.throwIfAborted();
      store.leads.value = { run: overview.run, of: found };
    });
  });
}
