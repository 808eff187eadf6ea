/** Chips that leave some layers: of the kinds pressed any, and of the problems pressed any. */
import { KINDS, type Kind, type LayerHealth, type LayerOverview } from "../data/answers";

const PROBLEMS = ["nonfinite", "dead", "constant"] as const;
export const CHIPS = [...KINDS, ...PROBLEMS] as const;
export type Chip = (typeof CHIPS)[number];

/** Which layers are listed. */
export interface LayerFilter {
  readonly search: string;
  readonly only: readonly Chip[];
}

const isKind = (chip: Chip) => KINDS.includes(chip as Kind);

function has(layer: LayerOverview, health: LayerHealth | null, chip: Chip): boolean {
  if (isKind(chip)) return layer.kind === chip;
  // As badges: an input is not called dead.
  const counts = layer.kind === "activation" || chip === "nonfinite";
  return counts && (health?.[chip as (typeof PROBLEMS)[number]] ?? 0) > 0;
}

export function isListed(
  layer: LayerOverview,
  health: LayerHealth | null,
  { search, only }: LayerFilter,
): boolean {
  if (!layer.tag.toLowerCase().includes(search.trim().toLowerCase())) return false;
  const any = (chips: readonly Chip[]) =>
    chips.length === 0 || chips.some((chip) => has(layer, health, chip));
  return any(only.filter(isKind)) && any(only.filter((chip) => !isKind(chip)));
}

interface ChipCount {
  readonly chip: Chip;
  /** So many layers it leaves, beside the search and the chips of the other sort. */
  readonly count: number;
}

/** Those that tell layers of the run apart, and what is pressed. */
export function chipsOf(
  layers: readonly LayerOverview[],
  at: (layer: LayerOverview) => LayerHealth | null,
  { search, only }: LayerFilter,
): readonly ChipCount[] {
  return CHIPS.flatMap((chip) => {
    const all = layers.filter((layer) => has(layer, at(layer), chip)).length;
    const others = only.filter((one) => isKind(one) !== isKind(chip));
    const filter = { search, only: [...others, chip] };
    const count = layers.filter((layer) => isListed(layer, at(layer), filter)).length;
    const useful = all > 0 && !(isKind(chip) && all === layers.length);
    return useful || only.includes(chip) ? [{ chip, count }] : [];
  });
}
