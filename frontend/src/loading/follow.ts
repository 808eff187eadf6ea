/**
 * Looks for what was logged since, while `Follow` is on (or the log still being read) and the page in
 * sight: one small request every two seconds.
 */
import { type LatestStep, ready, type StepIndex } from "../data/answers";
import { type Client, Unreachable } from "../data/client";
import type { Store } from "../state/store";

const LOOK_MS = 2000;
/** Between two looks whether it is time for one: whoever comes back need not wait. */
const TICK_MS = 250;
/** Strips, badges and the sentence on health are of all layers: they are asked for this often. */
const OVERVIEW_MS = 10_000;
/** What is still being read is asked for again this often. */
const READING_MS = 20_000;
/** New runs are told by all runs alone. */
const RUNS_MS = 30_000;
const LONGEST_MS = 30_000;

/** Each asks for what it names. */
interface Loads {
  /** Runs, layers and what is chosen of them. */
  readonly all: () => void;
  /** The overview of a run, and its inputs. */
  readonly run: (run: string) => void;
  readonly layer: (run: string, layer: string) => void;
  readonly inputs: (run: string) => void;
}

/** Asks for what is new as it comes, until the page is gone. */
export function follow(store: Store, client: Client, loads: Loads): void {
  let [next, wait, busy] = [Date.now() + LOOK_MS, LOOK_MS, false];
  let [runAt, allAt] = [Date.now(), Date.now()];
  /** Whether there are steps that the overview has not seen. */
  let behind = false;
  /** What was seen last: where asking did not help, it is not asked again. */
  let seen = "";
  // What is no longer there is not asked for again: all runs tell whether it comes back.
  let refused: StepIndex | null = null;
  const askAll = () => {
    [runAt, allAt, behind] = [Date.now(), Date.now(), false];
    loads.all();
  };
  const look = async () => {
    const index = ready(store.stepIndex.peek());
    if (!index) return;
    const { run, tag } = index;
    if (index === refused) {
      if (Date.now() - allAt > RUNS_MS) askAll();
      return;
    }
    const { signal } = new AbortController();
    const latest = await client.latest(run, tag, signal).catch((error) => {
      if (error instanceof Unreachable) throw error;
      refused = index;
      askAll();
      return null;
    });
    if (!latest) return;
    if (ready(store.stepIndex.peek()) !== index) return;
    const now = Date.now();
    if (!index.complete) {
      // What is still being read is shown once it is all here, and of a long log now and then.
      const grown = latest.count >= 2 * index.count && now - runAt > READING_MS;
      if (!latest.complete && !grown) return;
      [runAt, behind] = [now, false];
      loads.layer(run, tag);
      loads.run(run);
      return;
    }
    const sign = JSON.stringify([run, tag, latest]);
    const more = sign !== seen && differs(latest, index);
    seen = sign;
    const partial = ready(store.overview.peek())?.complete === false;
    behind ||= more || partial;
    const others = latest.tags !== ready(store.tags.peek())?.get(run)?.length;
    if (now - allAt > (others ? OVERVIEW_MS : RUNS_MS)) {
      askAll();
      return;
    }
    if (more) loads.layer(run, tag);
    if (behind && now - runAt > (partial ? LOOK_MS : OVERVIEW_MS)) {
      [runAt, behind] = [now, false];
      loads.run(run);
    } else if (more) loads.inputs(run);
  };
  setInterval(() => {
    const inSight = !document.hidden && document.documentElement.clientHeight > 0;
    const reading = [store.stepIndex, store.overview].some(
      (answer) => ready<{ complete: boolean }>(answer.peek())?.complete === false,
    );
    const wanted = reading || store.follow.peek();
    if (busy || !wanted || !inSight || Date.now() < next) return;
    busy = true;
    look()
      .then(
        () => (wait = LOOK_MS),
        () => (wait = Math.min(LONGEST_MS, 2 * wait)),
      )
      .finally(() => {
        busy = false;
        next = Date.now() + wait;
      });
  }, TICK_MS);
}

function differs(latest: LatestStep, { count, steps }: StepIndex): boolean {
  const last = steps.at(-1);
  // Wall times of steps are rounded to milliseconds.
  const apart = Math.abs(latest.wallTime - (last?.wallTime ?? 0)) > 0.001;
  return latest.count !== count || latest.step !== last?.step || apart;
}
