/**
 * How much a layer changed from one of its steps to the next: the ratio of the RMS of all its values.
 * Half as much is as large a change as twice as much.
 */
import type { LayerHealth, LayerOverview, Overview } from "../data/answers";
import { formatValue } from "../render/format";
import { columnAt, healthAt } from "./choose";

/** More than any ratio of two numbers. */
const BOUNDLESS = 2000;

export interface Change {
  readonly now: LayerHealth;
  readonly before: LayerHealth;
  /** The magnitude of the logarithm of the ratio; `BOUNDLESS` where one of the two is 0 or NaN. */
  readonly size: number;
  /** As "×1.42", "÷3.1" or "from 0". */
  readonly text: string;
}

/** At its last step not after `step`, since its step before; null where it has none. */
export function changeOf(
  overview: Overview,
  layer: LayerOverview,
  step: number | null,
): Change | null {
  const now = healthAt(overview, layer, step);
  if (!now) return null;
  const before = layer.columns
    .slice(0, columnAt(overview, now.step) + 1)
    .findLast((health) => health && health.step < now.step);
  return before ? { now, before, ...measured(before.rms, now.rms) } : null;
}

function measured(before: number | null, now: number | null): Pick<Change, "size" | "text"> {
  if (before === now) return { size: 0, text: "×1.00" };
  const end = now === null ? "to NaN" : before === null ? "from NaN" : now ? "from 0" : "to 0";
  if (!before || !now) return { size: BOUNDLESS, text: end };
  const factor = Math.max(now / before, before / now);
  const text = `${now < before ? "÷" : "×"}${formatValue(factor, factor, 3)}`;
  return { size: Math.log(factor), text };
}

/** The evidence, in a sentence. */
export function changeTitle({ now, before, text }: Change): string {
  const said = [before, now].map(({ rms, step }) => {
    return `${formatValue(rms ?? Number.NaN, rms ?? 0, 4)} at step ${step}`;
  });
  return `${text}: RMS ${said.join(", ")}`;
}

/** Most changed first; then what is no layer. In each, last what has no step before. */
export function byChange(
  layers: readonly LayerOverview[],
  change: (layer: LayerOverview) => Change | null,
): readonly LayerOverview[] {
  const rank = (layer: LayerOverview) =>
    (change(layer)?.size ?? -1) + (layer.kind === "activation" ? 2 * BOUNDLESS : 0);
  const ranks = new Map(layers.map((layer) => [layer, rank(layer)]));
  return layers.toSorted((a, b) => ranks.get(b)! - ranks.get(a)!);
}

/** The layer that changed most, where any did. */
export function mostChanged(
  overview: Overview,
  step: number | null,
): (Change & { readonly tag: string }) | null {
  const of = (layer: LayerOverview) => changeOf(overview, layer, step);
  const [layer] = byChange([...overview.layers.values()], of);
  const change = layer?.kind === "activation" ? of(layer) : null;
  return layer && change && change.size > 0 ? { ...change, tag: layer.tag } : null;
}
