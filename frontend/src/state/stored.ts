/** What the statistics say of the stored values of a channel. */
import { channelId } from "../data/channels";
import { rowFor, statRow } from "../data/statistics";
import { sourceOf } from "../render/planes";
import { coarseStep, zerosText } from "../render/storage";
import type { Store } from "./store";

/** How a 0 of a channel is written, on the side shown or on the other. */
export function zeroText(
  store: Store,
  position: number,
  side: "shown" | "other" = "shown",
): string {
  const flipped = store.compare.value?.mode === "flip" && store.flipped.value;
  const view = (side === "shown") === flipped ? store.other.value : store.view.value;
  if (!view || store.isDifference.value) return "0";
  const stats = rowFor(store.stats.value, view);
  const row = stats && statRow(stats, channelId(view.info, position));
  return zerosText(sourceOf(view, store.depth.value), position, view.info, row) ?? "0";
}

/** The same where there is room for two characters. */
export function zeroInCell(store: Store, position: number, side?: "shown" | "other"): string {
  return zeroText(store, position, side) === "0" ? "0" : "≈0";
}

/** That a channel is stored more coarsely than it varies, with both numbers; null where it is not. */
export function coarseness(
  store: Store,
  position: number,
): { readonly step: number; readonly std: number } | null {
  const [view, stats] = [store.view.value, store.statsAt.value];
  const row = view && stats && statRow(stats, channelId(view.info, position));
  const step = view && coarseStep(view.info, row);
  return row && step ? { step, std: row[3] as number } : null;
}
