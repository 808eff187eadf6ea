/** The health of a run in words to be copied: which layers have which problem, and since which step. */
import type { LayerHealth, LayerOverview, Overview } from "../data/answers";
import { columnAt, columnsAreSteps, healthAt, summarize } from "./choose";

/** What it is called, and how many channels have it. */
const PROBLEMS = [
  ["not finite", ({ nonfinite }: LayerHealth) => nonfinite],
  ["dead", ({ dead }: LayerHealth) => dead],
  ["constant", ({ constant }: LayerHealth) => constant],
] as const;

/** A name that is a number, as in PyTorch's `Sequential`, reads as one in a sentence. */
export function called(tag: string): string {
  return /^\d+$/.test(tag) ? `layer ${tag}` : tag;
}

export function healthText(overview: Overview, step: number | null): string {
  const { run, layers, steps, complete } = overview;
  const said = PROBLEMS.map(([what, count], i) => {
    const found = [...layers.values()].flatMap((layer) => {
      const now = healthAt(overview, layer, step);
      const counts = i === 0 ? layer.kind !== "attribution" : layer.kind === "activation";
      if (!now || !counts || count(now) === 0) return [];
      const since = sinceOf(overview, layer, now, count);
      return `${called(layer.tag)} (${count(now)} of ${layer.channels}, since ${since})`;
    });
    return `Channels ${what}: ${found.join(", ") || "none"}.`;
  });
  const { grown } = summarize(overview, step);
  if (grown) said.push(`${called(grown.tag)} grew ${grown.times}-fold since step ${grown.since}.`);
  const where = `Run ${run}, step ${step ?? steps?.last}${complete ? "" : ", still being read"}:`;
  return [where, ...said].join(" ");
}

/** The first of the steps from which on it has been so until now. */
function sinceOf(
  overview: Overview,
  { columns }: LayerOverview,
  now: LayerHealth,
  count: (health: LayerHealth) => number,
): string {
  const before = columns.slice(0, columnAt(overview, now.step) + 1).filter((h) => h !== null);
  const well = before.findLastIndex((health) => count(health) === 0);
  const first = before.slice(well + 1)[0] ?? now;
  return `${columnsAreSteps(overview) ? "" : "about "}step ${Math.min(first.step, now.step)}`;
}
