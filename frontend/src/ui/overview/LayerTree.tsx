/** The tree `Layers`: a strip over all steps and a badge for each, and the map above a long list. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Overview } from "../../data/answers";
import { NUMBER_FONT as FONT } from "../../render/numbers";
import { selectLayer } from "../../state/actions";
import { columnAt } from "../../state/choose";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { LayerFind } from "./LayerFind";
import { LayerName } from "./LayerName";
import { columnText, hinting, NetworkMap, StripLegend, shareOf } from "./NetworkMap";
import {
  nearestColumn,
  paintLead,
  paintStrips,
  type StripScale,
  scaleOf,
  stripScale,
} from "./strips";
import { type TreeRow, treeRows } from "./tree";

const ROW_HEIGHT = 28;
/** What finds layers, and the legend. */
const SEARCH_HEIGHT = 94;
/** Beside the name: borders, padding, gaps. */
const BESIDE = 18;
/** The strip, where the column is tight, and beside whole names in a tight one. */
const STRIPS = [88, 64, 32] as const;
const TIGHT = 300;
const INDENT = 12;
const FOLD = 12;
const BADGE = 56;
export function Layers() {
  const store = useStore();
  const list = useRef<HTMLDivElement>(null);
  const folded = useSignal<ReadonlySet<string>>(new Set());
  const box = useRef<HTMLDivElement>(null);
  const height = useSignal(0);
  const width = useSignal(0);
  const rows = useComputed(() => {
    const overview = store.layers.value;
    if (!overview) return [];
    const { layerFilter, layerOrder } = store;
    const leads = store.leads.value;
    return treeRows(
      overview,
      store.step.value,
      folded.value,
      layerFilter.value,
      layerOrder.value,
      leads?.run === overview.run ? leads.of : undefined,
    );
  });
  useLayoutEffect(() => {
    const read = () => {
      // A hidden tab has no height: what was laid out before stays.
      if (!box.current?.clientHeight) return;
      height.value = box.current.clientHeight;
      width.value = box.current.clientWidth;
    };
    const observer = new ResizeObserver(read);
    observer.observe(box.current!);
    read();
    return () => observer.disconnect();
  }, [height, width]);
  const long = useComputed(() => rows.value.length * ROW_HEIGHT > height.value - SEARCH_HEIGHT);
  const overview = store.layers.value;
  if (!overview) return <div ref={box} class="layers" />;
  return (
    <div ref={box} class="layers">
      {long.value && <NetworkMap overview={overview} />}
      <LayerFind overview={overview} />
      <StripLegend overview={overview} />
      <Tree
        list={list}
        rows={rows.value}
        width={width.value}
        overview={overview}
        fold={(path) => {
          const next = new Set(folded.value);
          if (!next.delete(path)) next.add(path);
          folded.value = next;
        }}
      />
    </div>
  );
}

interface TreeProps {
  readonly list: { current: HTMLDivElement | null };
  readonly rows: readonly TreeRow[];
  /** CSS pixels of the column. */
  readonly width: number;
  readonly overview: Overview;
  readonly fold: (path: string) => void;
}

function Tree({ list, rows, width, overview, fold }: TreeProps) {
  const store = useStore();
  const scale = stripScale(overview);
  const badge = useMemo(() => badgeWidth(rows), [rows]);
  const { only, ...filter } = store.layerFilter.value;
  const search = filter.search.trim();
  const tight = width < TIGHT;
  const whole = search !== "" || only.length > 0 || store.layerOrder.value !== "model";
  const strip = STRIPS[tight ? (whole ? 2 : 1) : 0];
  const room = width - BESIDE - badge - strip;
  usePaint(() => {
    list.current?.style.setProperty("--step-at", String(stepShare(overview, store.step.value)));
  }, [overview]);
  const layer = store.layer.value;
  useEffect(() => {
    const tree = list.current;
    if (!tree) return;
    // What stands above the tree arrives later, and takes some of its height.
    const watch = new ResizeObserver(() => {
      if (tree.clientHeight === 0) return;
      tree.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
    });
    watch.observe(tree);
    return () => watch.disconnect();
  }, [layer, rows.length, list]);
  const focusable = rows.some((row) => row.path === layer) ? layer : rows[0]?.path;
  if (rows.length === 0) return <p class="message">No layer is left</p>;
  return (
    <div
      ref={list}
      class={`tree ${tight ? "tight" : ""}`}
      role="tree"
      aria-label="Layers"
      style={{ "--badge": `${badge}px`, "--strip": `${strip}px` }}
    >
      {rows.map((row) => (
        <div
          key={row.path}
          class="layer"
          role="treeitem"
          aria-level={row.level + 1}
          aria-expanded={row.expanded ?? undefined}
          aria-selected={row.path === layer}
          aria-description={row.badge.title}
          tabIndex={row.path === focusable ? 0 : -1}
          style={`--level:${row.level}`}
          title={row.path}
          onClick={(event) => choose(store, overview, row, event, fold)}
          onKeyDown={(event) => onTreeKey(event, store, row, rows, fold)}
        >
          <span class="name">
            {row.expanded !== null && (
              <span class="fold" aria-hidden="true">
                {row.expanded ? "▾" : "▸"}
              </span>
            )}
            <LayerName
              name={row.name}
              search={search}
              room={room - row.level * INDENT - (row.layer ? 0 : FOLD)}
            />
          </span>
          <Strip row={row} overview={overview} scale={scale} />
          <span class={`badge ${row.badge.kind}`} title={row.badge.title}>
            {row.badge.text}
          </span>
        </div>
      ))}
    </div>
  );
}

/** CSS pixels that hold the longest badge. */
function badgeWidth(rows: readonly TreeRow[]): number {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return BADGE;
  context.font = `500 11px ${FONT}`;
  const texts = new Set(rows.map((row) => row.badge.text));
  return Math.ceil(Math.max(BADGE, ...[...texts].map((text) => context.measureText(text).width)));
}

/** Where the step stands across a strip, 0 to 1: the middle of its column. */
function stepShare(overview: Overview, step: number | null): number {
  const count = overview.columns.length;
  const column = step === null ? count - 1 : Math.max(0, columnAt(overview, step));
  return count > 0 ? (column + 0.5) / count : 1;
}

/** A click goes to the layer; on the strip of the one chosen to that column's step. */
function choose(
  store: Store,
  overview: Overview,
  row: TreeRow,
  event: MouseEvent,
  fold: (path: string) => void,
): void {
  if (!row.layer) {
    fold(row.path);
    return;
  }
  const strip = (event.target as Element).closest(".strip");
  if (!strip || row.path !== store.layer.peek()) {
    selectLayer(store, row.path);
    return;
  }
  const box = strip.getBoundingClientRect();
  const at = Math.floor(((event.clientX - box.left) / box.width) * overview.columns.length);
  selectLayer(store, row.path, row.columns[nearestColumn(row.columns, at)]?.step);
}

function onTreeKey(
  event: KeyboardEvent,
  store: Store,
  row: TreeRow,
  rows: readonly TreeRow[],
  fold: (path: string) => void,
): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const at = rows.indexOf(row);
  const item = event.currentTarget as HTMLElement;
  const items = item.parentElement!.children;
  const focus = (to: number) => {
    const index = Math.min(rows.length - 1, Math.max(0, to));
    (items[index] as HTMLElement | undefined)?.focus();
    if (rows[index]?.layer) selectLayer(store, rows[index].path);
  };
  const parent = () => rows.findLastIndex((r, i) => i < at && r.level < row.level);
  const moves: Record<string, () => void> = {
    ArrowDown: () => focus(at + 1),
    ArrowUp: () => focus(at - 1),
    Home: () => focus(0),
    End: () => focus(rows.length - 1),
    ArrowRight: () => (row.expanded === false ? fold(row.path) : row.expanded && focus(at + 1)),
    ArrowLeft: () => (row.expanded ? fold(row.path) : parent() >= 0 && focus(parent())),
    Enter: () => (row.layer ? selectLayer(store, row.path) : fold(row.path)),
    " ": () => (row.layer ? selectLayer(store, row.path) : fold(row.path)),
  };
  const move = moves[event.key];
  if (!move) return;
  event.preventDefault();
  move();
}

interface StripProps {
  readonly row: TreeRow;
  readonly overview: Overview;
  /** Of the layers together. */
  readonly scale: StripScale;
}

function Strip({ row: { columns, alone, lead, layer }, overview, scale }: StripProps) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (!canvas.current) return;
    if (lead) paintLead(canvas.current, overview, lead);
    else paintStrips(canvas.current, [columns], alone ? scaleOf([columns]) : scale);
  }, [columns, lead, scale.low, scale.high]);
  return (
    <span
      class="strip"
      {...(layer &&
        !lead &&
        hinting(store, (event) =>
          columnText(layer, Math.floor(shareOf(event)[0] * columns.length)),
        ))}
    >
      <canvas ref={canvas} aria-hidden="true" />
    </span>
  );
}
