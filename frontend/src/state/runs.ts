/** The runs to choose from, and what is known of how they are. */
import type { Overview, TagIndex } from "../data/answers";
import { formatShare } from "../render/format";
import { summarize } from "./choose";

export interface RunEntry {
  readonly run: string;
  /** When it was last written, seconds; 0 where the server gives no times. */
  readonly written: number;
}

/** The worst of a run at its last step, in words; the text is empty where nothing is wrong. */
export interface RunHealth {
  readonly written: number;
  readonly kind: "" | "nonfinite" | "dead";
  readonly text: string;
  readonly title: string;
}

/** Newest first; of one time by name. */
export function runEntries(tags: TagIndex): readonly RunEntry[] {
  const entries = [...tags].map(([run, infos]) => {
    return { run, written: Math.max(0, ...infos.map((info) => info.wallTime ?? 0)) };
  });
  return entries.sort((a, b) => b.written - a.written || (a.run < b.run ? -1 : 1));
}

/** Those whose name, or what is wrong with them, holds every word of a search. */
export function matchingRuns(
  entries: readonly RunEntry[],
  search: string,
  health: ReadonlyMap<string, RunHealth>,
): readonly RunEntry[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter(({ run }) => {
    const text = `${run} ${health.get(run)?.text ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function healthOf(overview: Overview, written: number): RunHealth {
  const { nonfiniteLayers, worst, grown } = summarize(overview, null);
  const [broken] = nonfiniteLayers;
  if (broken !== undefined) {
    const title = `Not finite in ${nonfiniteLayers.length} layers, from ${broken} on`;
    return { written, kind: "nonfinite", text: "not finite", title };
  }
  if (grown) {
    const title = `${grown.tag} grew ${grown.times}-fold`;
    return { written, kind: "nonfinite", text: `grew ${grown.times}×`, title };
  }
  if (worst && worst.share > 0) {
    const title = `${formatShare(worst.share)} of ${worst.tag} is dead, more than of any other layer`;
    return { written, kind: "dead", text: `${formatShare(worst.share)} dead`, title };
  }
  return { written, kind: "", text: "", title: "" };
}

/** When a run was written, as short as its age allows: a time today, a date before. */
export function whenText(written: number, now: Date): string {
  if (!written) return "";
  const time = new Date(written * 1000);
  if (time.toDateString() === now.toDateString())
    return time.toLocaleTimeString("en-GB").slice(0, 5);
  return time.toLocaleDateString("en-CA");
}
