/**
 * Layers by name path: `encoder/conv1` stands under `encoder`; where names have no slashes, by their
 * common stem. A fold shows its worst.
 */
import type { LayerHealth, LayerOverview, Overview } from "../../data/answers";
import { formatShare } from "../../render/format";
import { byChange, type Change, changeOf, changeTitle } from "../../state/changes";
import { healthAt } from "../../state/choose";
import { isListed, type LayerFilter } from "../../state/layerFilter";
import { type Lead, leaderAt, leaderText } from "../../state/leads";
import type { LayerOrder } from "../../state/signals";
import { type Stem, stemsOf } from "./stems";

export interface TreeRow {
  /** The whole name: of a tag, or of a group with a slash or another separator at its end. */
  readonly path: string;
  /** The last part of the name. */
  readonly name: string;
  readonly level: number;
  /** null for groups. */
  readonly layer: LayerOverview | null;
  readonly expanded: boolean | null;
  readonly columns: readonly (LayerHealth | null)[];
  readonly badge: Badge;
  /** Whether its strip has a scale of its own: attributions are in units of their own. */
  readonly alone: boolean;
  /** What its channels add to a score, where that is known. */
  readonly lead: Lead | null;
}

interface Badge {
  readonly kind: "" | "nonfinite" | "dead" | "constant";
  readonly text: string;
  readonly title: string;
}

/** How bad: non-finite channels first, then the share of dead ones. */
function badness(health: LayerHealth | null, channels: number): number {
  if (!health) return -1;
  return health.nonfinite * 1e6 + (channels > 0 ? (health.dead + health.constant) / channels : 0);
}

/** Only problems are named; a healthy layer shows its channel count. */
function badgeOf(layer: LayerOverview, health: LayerHealth | null): Badge {
  const { channels } = layer;
  if (!health) return { kind: "", text: "–", title: "nothing known at this step" };
  if (health.nonfinite > 0) {
    const title = `${health.nonfinite} of ${channels} channels hold non-finite values`;
    return { kind: "nonfinite", text: `${health.nonfinite} non-finite`, title };
  }
  if (layer.kind === "activation" && health.dead > 0) {
    const title = `${health.dead} of ${channels} channels are dead: zero in all ${layer.batch} examples`;
    return { kind: "dead", text: `${formatShare(health.dead / channels)} dead`, title };
  }
  if (layer.kind === "activation" && health.constant > 0) {
    const title = `${health.constant} of ${channels} channels are constant`;
    return { kind: "constant", text: `${health.constant} const`, title };
  }
  const many = channels === 1 ? "" : "s";
  const title =
    layer.kind === "attribution"
      ? `${channels} map${many} an example`
      : `${channels} channel${many}`;
  return { kind: "", text: String(channels), title };
}

/** Layers found by a search or left by chips, in one flat list, or as a tree in model order. */
export function treeRows(
  overview: Overview,
  step: number | null,
  folded: ReadonlySet<string>,
  filter: LayerFilter,
  order: LayerOrder,
  leads: ReadonlyMap<string, Lead> = new Map(),
): readonly TreeRow[] {
  const told = plainRows(overview, step, folded, filter, order);
  return leads.size ? told.map((row) => led(row, leads.get(row.path), step, order)) : told;
}

/** Its badge names the channel that carries the score, unless something is wrong, or says another thing. */
function led(
  row: TreeRow,
  lead: Lead | undefined,
  step: number | null,
  order: LayerOrder,
): TreeRow {
  const leader = lead && leaderAt(lead, step);
  if (!leader) return row;
  const { kind, title } = row.badge;
  const said = `${leaderText(lead, leader)}; ${title}`;
  const text = kind === "" && order !== "change" ? `ch ${leader.channel}` : row.badge.text;
  return { ...row, lead, badge: { kind, text, title: said } };
}

function plainRows(
  overview: Overview,
  step: number | null,
  folded: ReadonlySet<string>,
  filter: LayerFilter,
  order: LayerOrder,
): readonly TreeRow[] {
  const at = (layer: LayerOverview) => healthAt(overview, layer, step);
  const all = [...overview.layers.values()];
  const layers = all.filter((layer) => isListed(layer, at(layer), filter));
  if (order === "change") {
    const change = (layer: LayerOverview) => changeOf(overview, layer, step);
    return byChange(layers, change).map((layer) => changed(layer, at(layer), change(layer)));
  }
  if (order === "problems") {
    const worst = new Map(layers.map((layer) => [layer, badness(at(layer), layer.channels)]));
    layers.sort((a, b) => worst.get(b)! - worst.get(a)!);
  }
  if (order === "problems" || filter.search.trim() !== "" || filter.only.length > 0) {
    return layers.map((layer) => leaf(layer, layer.tag, 0, at(layer)));
  }
  return grouped(layers, "", 0, folded, at);
}

function leaf(
  layer: LayerOverview,
  name: string,
  level: number,
  health: LayerHealth | null,
): TreeRow {
  const badge = badgeOf(layer, health);
  const alone = layer.kind === "attribution";
  return {
    path: layer.tag,
    name,
    level,
    layer,
    expanded: null,
    columns: layer.columns,
    badge,
    alone,
    lead: null,
  };
}

/** Its badge says how much it changed; what is wrong with it keeps its colour, and is said on hover. */
function changed(layer: LayerOverview, health: LayerHealth | null, change: Change | null): TreeRow {
  const row = leaf(layer, layer.tag, 0, health);
  const { kind, title } = row.badge;
  const text = change?.text ?? "–";
  const said = change ? changeTitle(change) : "no step before this one";
  return { ...row, badge: { kind, text, title: `${said}; ${title}` } };
}

type At = (layer: LayerOverview) => LayerHealth | null;

/** Rows of the layers under `prefix`, groups where the first of their layers stands. */
function grouped(
  layers: readonly LayerOverview[],
  prefix: string,
  level: number,
  folded: ReadonlySet<string>,
  at: At,
): TreeRow[] {
  const groups = new Map<string, LayerOverview[]>();
  for (const layer of layers) {
    const rest = layer.tag.slice(prefix.length);
    const slash = rest.indexOf("/");
    const key = slash > 0 ? rest.slice(0, slash + 1) : rest;
    groups.set(key, [...(groups.get(key) ?? []), layer]);
  }
  const entries = [...groups];
  const stems = stemsOf(entries.map(([key]) => (key.includes("/") ? "" : key)));
  const rows = (from: number, to: number, stem: string, depth: number): TreeRow[] =>
    entries.slice(from, to).flatMap(([key, members]) => {
      const only = members[0]!;
      // Of a name that ends in a slash nothing would be left.
      const name = only.tag.slice(prefix.length + stem.length) || only.tag;
      // Attributions are a group of their own, be it of one.
      const alone = members.length === 1 && (only.kind !== "attribution" || key !== "attribution/");
      if (alone) return [leaf(only, name, depth, at(only))];
      return fold(key, members, () => grouped(members, prefix + key, depth + 1, folded, at));
    });
  const fold = (key: string, members: readonly LayerOverview[], inner: () => TreeRow[]) => {
    const open = !folded.has(prefix + key);
    const row = groupRow(prefix + key, key, level, open, members, at);
    return open ? [row, ...inner()] : [row];
  };
  const stemmed = ({ stem, from, to }: Stem) => {
    const members = entries.slice(from, to).flatMap(([, layers]) => layers);
    return fold(stem, members, () => rows(from, to, stem, level + 1));
  };
  const ends = [0, ...stems.map(({ to }) => to)];
  return [
    ...stems.flatMap((stem, i) => [...rows(ends[i]!, stem.from, "", level), ...stemmed(stem)]),
    ...rows(ends.at(-1)!, entries.length, "", level),
  ];
}

function groupRow(
  path: string,
  key: string,
  level: number,
  expanded: boolean,
  members: readonly LayerOverview[],
  at: At,
): TreeRow {
  const width = members[0]!.columns.length;
  const [worst, health] = worstOf(members, at);
  const alone = worst.kind === "attribution";
  const columns = Array.from({ length: width }, (_, i) => {
    const [, worstHere] = worstOf(members, (l) => l.columns[i]!);
    // Attributions in different units have no strength in common.
    return alone && worstHere?.nonfinite === 0 ? null : worstHere;
  });
  const text = `${members.length} ${alone ? "map" : "layer"}${members.length === 1 ? "" : "s"}`;
  const plain = { kind: "", text, title: "" } as const;
  const badge = badgeOf(worst, health);
  return {
    path,
    name: key.replace(/[/._-]+$/, ""),
    level,
    layer: null,
    expanded,
    columns,
    alone,
    lead: null,
    badge: badge.kind === "" ? plain : { ...badge, title: `${worst.tag}: ${badge.title}` },
  };
}

function worstOf(
  members: readonly LayerOverview[],
  health: (layer: LayerOverview) => LayerHealth | null,
): readonly [LayerOverview, LayerHealth | null] {
  return members.reduce<readonly [LayerOverview, LayerHealth | null]>(
    (best, layer) => {
      const mine = health(layer);
      const worse = badness(mine, layer.channels) > badness(best[1], best[0].channels);
      return worse ? [layer, mine] : best;
    },
    [members[0]!, health(members[0]!)],
  );
}
