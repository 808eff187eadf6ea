/** What a cell says about its channel beside its number: words, never colour alone. */
import type { LayerView } from "../../data/answers";
import { channelId } from "../../data/channels";
import { examplesText, statRow } from "../../data/statistics";
import { subjectOf } from "../../data/view";
import { nonfiniteOf } from "../../render/nonfinite";
import type { TileSource } from "../../render/planes";
import { zerosText } from "../../render/storage";
import { channelStates } from "../../state/triage";

export interface CellMark {
  readonly kind: "" | "nonfinite" | "dead" | "constant" | "silent";
  /** As "3 NaN", "dead". */
  readonly text: string;
  /** The shortest form, as "NaN", "dead", "tiny". */
  readonly word: string;
  /** The evidence, in a sentence. */
  readonly evidence: string;
}

const NONE: CellMark = { kind: "", text: "", word: "", evidence: "" };
/** The bar's length spans this many decades below the layer's largest magnitude. */
const BAR_DECADES = 4;

export function cellMark(
  source: TileSource,
  stats: Float32Array | null,
  view: Pick<LayerView, "info" | "pool">,
  position: number,
): CellMark {
  const { info } = view;
  const which = subjectOf(view);
  const here = source.nonfinite(position);
  const all = examplesText(info.batch);
  const row = stats && statRow(stats, channelId(info, position));
  const [state] = channelStates({ count: 1, ids: null, stats: row });
  if (here > 0) {
    const { nan, positive, negative } = nonfiniteOf(source, position);
    const word = [nan && "NaN", (positive || negative) && "Inf"].filter(Boolean).join(", ");
    const evidence = `${here} non-finite values in ${which}`;
    return { kind: "nonfinite", text: `${here} ${word}`, word, evidence };
  }
  if (state && state.nonfinite > 0) {
    const evidence = `${state.nonfinite} non-finite values in other examples of the batch`;
    return { kind: "nonfinite", text: "non-finite elsewhere", word: "NaN/Inf", evidence };
  }
  if (state?.dead) return worded("dead", "dead", `zero in ${all}`);
  if (state?.constant) return worded("constant", "const", `one value throughout ${all}`);
  if (source.silent(position)) {
    const were = zerosText(source, position, info, row);
    if (were !== null) {
      const evidence = `${were} in ${which}, not zero: too small to be stored beside the largest`;
      return { kind: "silent", text: were, word: "tiny", evidence };
    }
    return worded("silent", "silent", `zero in ${which}, not in all`);
  }
  return NONE;
}

function worded(kind: CellMark["kind"], word: string, evidence: string): CellMark {
  return { kind, text: word, word, evidence };
}

/** How much of the bar is filled: log scale, 1 at the layer's largest magnitude over all steps. */
export function barLength(source: TileSource, position: number, reach: number): number {
  const { min, max } = source.extent(position);
  const largest = Math.max(Math.abs(min), Math.abs(max));
  if (!(largest > 0) || !(reach > 0)) return 0;
  return Math.min(1, Math.max(0.02, 1 + Math.log10(largest / reach) / BAR_DECADES));
}
