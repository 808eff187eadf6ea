/**
 * Names without slashes, grouped by the stem that neighbours share: `conv5_block2` ▸ `1_relu`.
 *
 * Only neighbours are grouped, so that model order stays as it is.
 */

/** Two under a heading are no shorter than two names. */
const FEWEST = 3;
/** A longer run is divided by the next part of its names, where that makes groups. */
const MOST = 16;

/** A run of names, half open, under one stem, which ends with its separator. */
export interface Stem {
  readonly stem: string;
  readonly from: number;
  readonly to: number;
}

/** The runs that share a stem, in order; names outside of them stand alone. */
export function stemsOf(names: readonly string[]): readonly Stem[] {
  return within(names, { stem: "", from: 0, to: names.length });
}

function within(names: readonly string[], { stem, from, to }: Stem): readonly Stem[] {
  const found: Stem[] = [];
  for (let start = from; start < to; ) {
    const longer = nextStem(names[start]!, stem.length);
    let end = start + 1;
    while (longer !== null && end < to && names[end]!.startsWith(longer)) end++;
    if (longer !== null && end - start >= FEWEST) {
      found.push(...divided(names, { stem: longer, from: start, to: end }));
    }
    start = end;
  }
  return found;
}

/** The run itself as a group, or the groups in it: where it is long, or they go on with its stem. */
function divided(names: readonly string[], run: Stem): readonly Stem[] {
  const { stem, from, to } = run;
  const parts = within(names, run);
  const goesOn = parts[0]?.from === from && parts[0].to === to;
  if (parts.length > 0 && (goesOn || to - from > MOST)) return parts;
  // A number alone is no name: block_0, block_1, … stay whole.
  const named = names.slice(from, to).every((name) => /\D/.test(name.slice(stem.length)));
  return named ? [run] : parts;
}

/** The name up to its next separator and with it; null where none follows. */
function nextStem(name: string, at: number): string | null {
  const rest = /^[^._-]+[._-]+/.exec(name.slice(at));
  return rest && name.slice(0, at + rest[0].length);
}
