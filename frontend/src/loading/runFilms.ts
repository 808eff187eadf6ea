/** Films of the selected channel in several runs: the one shown, and the newest others that hold it. */
import { type LayerView, ready, type StepIndex } from "../data/answers";
import { channelId } from "../data/channels";
import { runEntries } from "../state/runs";
import type { RunFilm } from "../state/signals";
import type { Store } from "../state/store";
import { type Film, shotsOf } from "./film";
import { settle } from "./latest";

const MOST_RUNS = 8;
const FRAMES = 6;

/** The runs, which are taken in a sentence, and their frames. Throws where a run cannot be read. */
export async function loadRunFilms(
  store: Store,
  film: Film,
  view: LayerView,
  stepsOf: (run: string) => Promise<StepIndex>,
  signal: AbortSignal,
): Promise<{ readonly films: readonly RunFilm[]; readonly said: string }> {
  await settle(signal);
  const tags = ready(store.tags.peek()) ?? new Map();
  const holding = runEntries(tags)
    .map(({ run }) => run)
    .filter((run) => tags.get(run)?.some((info: { tag: string }) => info.tag === view.tag));
  const others = holding.filter((run) => run !== view.run).slice(0, MOST_RUNS - 1);
  const id = channelId(view.info, store.channel.peek() ?? 0);
  const films: RunFilm[] = [];
  for (const run of [view.run, ...others]) {
    const { steps } = await stepsOf(run);
    const shots = shotsOf({ ...view, run }, id, steps, run === view.run, FRAMES);
    films.push({ run, frames: await film.framesOf(shots, signal) });
  }
  const [n, all] = [others.length + 1, holding.length];
  const which = n < all ? "this one, then the newest" : "newest first after this one";
  const said = `Films of ${n} of ${all} runs, in the inspector: ${which}`;
  return { films, said };
}
