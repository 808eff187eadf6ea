/**
 * The well of attribution maps: each example, its input before a map of each target. Lines
 * in sight alone are there; a switch or a slider repaints their canvases and renders nothing.
 */
import type { LayerView } from "../../data/answers";
import { coveredBy } from "../../render/maps";
import { selectMap } from "../../state/actions";
import { standsBeside } from "../../state/compare";
import { type Store, useStore } from "../../state/store";
import { movePixel, usePointer } from "../grid/pointer";
import { useCells, useWell, Well } from "../grid/Well";
import { Line } from "./Line";
import { type MapLayout, mapLayout } from "./mapLayout";

export function MapGrid() {
  const store = useStore();
  const well = useWell();
  const { layout, cells, rows } = useCells(
    well,
    (view, room) => layoutIn(store, view, room),
    (l) => {
      const { lines, count, pitchY: pitch, geometry } = l;
      const [columns, tile] = [lineWidth(l), geometry.tileCssWidth];
      return { rows: lines.length, columns, count, pitch, tile };
    },
  );
  const pointer = usePointer(store, layout, { tileOf: (cell) => tileOf(store, cell) });
  const l = layout.value;
  const attributes = { "data-parts": l?.parts ?? 1 };
  return (
    <Well
      well={well}
      kind="maps"
      label="Maps"
      cells={cells}
      picks={() => mapsOf(store, l)}
      grid={{ ...attributes, ...pointer }}
      moveMark={movePixel}
    >
      {l && rows.map((line) => <Line key={line} line={line} layout={l} />)}
    </Well>
  );
}

function layoutIn(
  store: Store,
  view: LayerView,
  room: Pick<Parameters<typeof mapLayout>[0], "area" | "wished">,
): MapLayout | null {
  const rows = store.mapRows.value;
  if (rows.length === 0) return null;
  const [planeHeight, planeWidth] = coveredBy(view);
  return mapLayout({
    planeWidth,
    planeHeight,
    counts: rows.map(({ targets }) => targets.length),
    ...room,
    parts: standsBeside(store) ? 2 : 1,
    withInput: store.input.value !== null,
  });
}

/** Which map a cell is of. */
function tileOf(store: Store, cell: HTMLElement) {
  const row = store.mapRows.peek()[Number(cell.dataset.row)];
  const position = row?.targets[Number(cell.dataset.target)];
  return row && position !== undefined ? { example: row.view.example, position } : null;
}

/** All maps, example by example. */
function mapsOf(store: Store, layout: MapLayout | null) {
  const maps = store.mapRows
    .peek()
    .flatMap(({ view: { example }, targets }) => targets.map((target) => ({ example, target })));
  const [example, chosen] = [store.view.peek()?.example, store.channel.peek()];
  const is = (map: (typeof maps)[number]) => map.example === example && map.target === chosen;
  return {
    count: maps.length,
    index: Math.max(0, maps.findIndex(is)),
    select: (to: number) => selectMap(store, maps[to]!.example, maps[to]!.target),
    rowOf: (index: number) =>
      (layout?.lines ?? []).findIndex((groups) =>
        groups.some(({ index: first, from, to }) => index < first + to - from),
      ),
  };
}

/** From a map to the one under it. */
function lineWidth({ lines }: MapLayout): number {
  return Math.max(1, lines[0]?.reduce((sum, { from, to }) => sum + to - from, 0) ?? 1);
}
