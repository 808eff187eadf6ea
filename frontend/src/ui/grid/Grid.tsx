/**
 * The well of tiles: virtual rows, each one canvas and the cells over it.
 *
 * Moving a slider repaints the canvases of the rows in sight and renders no component.
 */
import { useComputed } from "@preact/signals";
import type { LayerView } from "../../data/answers";
import { isAttention } from "../../data/channels";
import { sourceOf } from "../../render/planes";
import { markPixel } from "../../state/actions";
import { standsBeside } from "../../state/compare";
import { usePaint } from "../../state/paint";
import { type Patches, patchAt, patchesShown, queryIn } from "../../state/patches";
import { type Store, useStore } from "../../state/store";
import { movePixel, usePointer } from "./pointer";
import { Row } from "./Row";
import { type GridLayout, layoutOf, markRoom } from "./tileLayout";
import { useCells, useWell, Well } from "./Well";

export function Grid() {
  const store = useStore();
  const well = useWell();
  const { scroll } = well;
  const patches = useComputed(() => patchesShown(store));
  const { layout, cells, rows } = useCells(
    well,
    (view, room) => gridLayout(store, view, room, patches.value),
    cellsOf,
  );
  const scope = useComputed(() => store.shown.value?.range ?? "channel");
  const scores = useComputed(() => store.view.value !== null && isAttention(store.view.value));
  usePaint(() => markPixels(scroll.current, layout.value, markedIn(store, patches.value)));
  usePaint(() => {
    // Another layer or another filter begins at the top.
    store.cells.value;
    if (scroll.current && !scroll.current.contains(document.activeElement)) {
      scroll.current.scrollTop = 0;
    }
  });
  const pointer = usePointer(store, layout, {
    tileOf: (cell) => {
      const position = store.cells.peek()[Number(cell.dataset.index)];
      return position === undefined ? null : { position };
    },
    pixelAt: (place, clicked) => pixelAt(store, patches.peek(), place, clicked),
  });
  const [l, p] = [layout.value, patches.value];
  const attributes = {
    "data-range": scope.value,
    "data-parts": l?.parts ?? 1,
    ...(scores.value && {
      "aria-description": p
        ? "the patches that the marked one looks at"
        : "rows are queries, columns are keys",
    }),
  };
  return (
    <Well
      well={well}
      cells={cells}
      kind={scores.value && !p ? "attention" : ""}
      grid={{ ...attributes, ...pointer }}
      moveMark={(key) => (p ? moveQuery(key, store, p) : movePixel(key, store))}
    >
      {l && rows.map((row) => <Row key={row} row={row} layout={l} patches={p} />)}
    </Well>
  );
}

function cellsOf({ pitchY, geometry, ...l }: GridLayout) {
  return { ...l, pitch: pitchY, tile: geometry.tileCssWidth };
}

function gridLayout(
  store: Store,
  view: LayerView,
  room: Pick<Parameters<typeof layoutOf>[0], "area" | "wished">,
  patches: Patches | null,
): GridLayout | null {
  const { width, height } = (patches?.picture ?? sourceOf(view, store.depth.value)).stack;
  if (width === 0 || height === 0) return null;
  const layout = layoutOf({
    planeWidth: width,
    planeHeight: height,
    count: store.cells.value.length,
    ...room,
    parts: standsBeside(store) ? 2 : 1,
  });
  // What is pointed at and marked is a patch.
  return patches ? { ...layout, zoom: layout.geometry.tileCssWidth / patches.columns } : layout;
}

type Place = { readonly x: number; readonly y: number };

/** What is marked in every tile: the pixel pointed at, or the patch whose attention is shown. */
function markedIn(store: Store, patches: Patches | null): Place | null {
  if (patches) return patchAt(patches, queryIn(store, patches));
  return store.hover.value?.pixel ?? store.pixel.value;
}

/** The pixel of the plane at a place of the tile: of a patch, how the query looks at it. */
function pixelAt(store: Store, patches: Patches | null, { x, y }: Place, clicked: boolean): Place {
  if (!patches) return { x, y };
  const key = patches.skipped + y * patches.columns + x;
  return { x: key, y: clicked ? key : queryIn(store, patches) };
}

/** Moves the patch that looks, within the picture. */
function moveQuery(key: string, store: Store, patches: Patches): boolean {
  const { columns, rows, skipped } = patches;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (by === undefined) return false;
  const to = Math.max(0, queryIn(store, patches) - skipped) + by;
  // The query as a key of itself: where nothing is pointed at, the patch that looks is marked.
  const query = skipped + to;
  if (to >= 0 && to < rows * columns) markPixel(store, { x: query, y: query, z: 0 });
  return true;
}

/** The marked pixel in every tile, by three custom properties: nothing is rendered. */
function markPixels(
  root: HTMLElement | null,
  layout: GridLayout | null,
  pixel: Place | null,
): void {
  if (!root || !layout) return;
  root.style.setProperty("--mark-visibility", pixel ? "visible" : "hidden");
  if (!pixel) return;
  const { zoom } = layout;
  const size = Math.max(zoom, 5);
  // Whole pixels, so that its sides are sharp.
  const shift = Math.floor((size - zoom) / 2) + 1;
  const room = markRoom(layout);
  root.style.setProperty("--mark-x", `${pixel.x * zoom - shift + room}px`);
  root.style.setProperty("--mark-y", `${pixel.y * zoom - shift + room}px`);
  root.style.setProperty("--mark-image", markImage(layout, size));
}

/** A hollow square in each tile of a cell, white within black, so that it stands out on any colour. */
function markImage({ pitchX, parts, geometry }: GridLayout, size: number): string {
  const squares = Array.from({ length: parts }, (_, part) => {
    const x = part * geometry.tileCssWidth;
    return (
      `<rect x='${x + 0.5}' y='.5' width='${size + 1}' height='${size + 1}' stroke='black'/>` +
      `<rect x='${x + 1.5}' y='1.5' width='${size - 1}' height='${size - 1}' stroke='white'/>`
    );
  });
  const height = geometry.tileCssHeight + 8;
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' fill='none' width='${pitchX}' height='${height}'>${squares.join("")}</svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}
