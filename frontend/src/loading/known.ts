/** Which runs and layers there are: of others nothing is asked, since the answer can only be a refusal. */
import { ready, type StepIndex } from "../data/answers";
import type { Client } from "../data/client";
import { checkLink } from "../state/chosen";
import { say } from "../state/notices";
import type { Store } from "../state/store";

/** Why a run, or a layer of it, has nothing to show; null where it is there. */
export function absence(store: Store, run: string, tag: string | null): string | null {
  const infos = ready(store.tags.peek())?.get(run);
  if (!infos) return `There is no run “${run}” in the log`;
  if (tag === null || infos.some((info) => info.tag === tag)) return null;
  // The overview may know a layer that was logged since the tags were asked for.
  const overview = ready(store.overview.peek());
  if (overview?.run === run && overview.layers.has(tag)) return null;
  return `Run “${run}” has no layer “${tag}”`;
}

/** A client that says so itself. */
export function knownOnly(client: Client, store: Store): Client {
  const check = (run: string, tag: string | null) => {
    const reason = absence(store, run, tag);
    if (reason !== null) throw new Error(reason);
  };
  return {
    ...client,
    async steps(run, tag, signal) {
      check(run, tag);
      return await client.steps(run, tag, signal);
    },
    async overview(run, columns, step, signal) {
      check(run, null);
      return await client.overview(run, columns, step, signal);
    },
    async facts(run, signal) {
      check(run, null);
      return await client.facts(run, signal);
    },
    async answers(run, tag, ...rest) {
      check(run, tag);
      return await client.answers(run, tag, ...rest);
    },
    async largest(run, tag, ...rest) {
      check(run, tag);
      return await client.largest(run, tag, ...rest);
    },
    async tensor(query, signal) {
      check(query.run, query.tag);
      return await client.tensor(query, signal);
    },
    async stats(run, tag, ...rest) {
      check(run, tag);
      return await client.stats(run, tag, ...rest);
    },
    async scores(run, tag, ...rest) {
      check(run, tag);
      return await client.scores(run, tag, ...rest);
    },
  };
}

/** Says what a link asks for and the layer does not hold. */
export function sayGone(store: Store, index: StepIndex): void {
  const gone = checkLink(store, index);
  if (gone.length === 0) return;
  const what = `“${index.tag}” holds no ${gone.join(", no ")}`;
  say(store, "link", `${what}; the nearest is shown.`);
}
