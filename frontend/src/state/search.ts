/** The field `Channels to show`: "12, 40-48" → channel ids, or a sentence that says what is wrong. */

type ChannelSearch = { readonly ids: ReadonlySet<number> } | { readonly error: string };

const PART = /^(\d+)(?:\s*(?:-|–|:|\.\.)\s*(\d+))?$/;
const LONGEST = 1 << 20;

/** Ids of the layer named by the text; null for an empty one, which means all. */
export function parseChannels(
  text: string,
  channels: number,
  stored: readonly number[] | null = null,
): ChannelSearch | null {
  const parts = text.split(/[,;\s]+(?![-–:.\s])(?<![-–:.]\s*)/).filter((part) => part !== "");
  if (!parts.length) return null;
  const ids = new Set<number>();
  for (const part of parts) {
    const match = PART.exec(part.trim());
    if (!match) return { error: `“${part.trim()}” is not a channel; write 12 or 40-48` };
    const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])].sort((a, b) => a - b) as [
      number,
      number,
    ];
    if (from >= channels) {
      return { error: `no channel ${from}; the layer has 0 to ${channels - 1}` };
    }
    for (let id = from; id <= Math.min(to, channels - 1, from + LONGEST); id++) ids.add(id);
  }
  if (stored && !stored.some((id) => ids.has(id))) {
    return { error: `not stored; ${stored.length} of ${channels} channels were kept` };
  }
  return { ids };
}
