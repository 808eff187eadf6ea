/** What the layer is, and which of its channels are shown in which order. */
import { useComputed } from "@preact/signals";
import type { LayerView } from "../data/answers";
import {
  type Form,
  SHOW_KEYS,
  type ShowKey,
  SORT_KEYS,
  type SortKey,
  type SortStatistic,
} from "../data/choices";
import { holdsMaps, isDense, isSignal, middleOf, subjectOf } from "../data/view";
import { setTriage } from "../state/actions";
import { carriedFor } from "../state/carried";
import { searchError } from "../state/order";
import { patchesIn, patchesShown, placeOf, queryIn } from "../state/patches";
import { useStore } from "../state/store";
import { channelStates, countShown, effectiveSort } from "../state/triage";
import { Button, Segments, Select, Slider } from "./controls";
import { useDepthWheel } from "./depthWheel";
import { CELL_SIZES, isMatrix } from "./grid/matrixLayout";
import { SIGNAL_SIZES } from "./grid/signalLayout";
import { nearestTile, tileSizes } from "./grid/tiles";
import { Later } from "./Later";

const SORT_TEXT: Partial<Record<SortKey, string>> = {
  index: "Index",
  change: "Change since previous step",
  growth: "Growth since first step",
  pixel: "Value at pixel",
  attribution: "Attribution",
};
const STATISTIC_TEXT: Record<SortStatistic, string> = {
  max: "Max",
  mean: "Mean",
  std: "Std",
  zeros: "Zeros",
};
const SHOW_TEXT: Record<ShowKey, string> = {
  all: "All",
  active: "Active",
  dead: "Dead",
  constant: "Constant",
  nonfinite: "Non-finite",
};

export function LayerBar() {
  const store = useStore();
  const view = store.view.value;
  const tag = store.layer.value;
  const mine = view?.tag === tag ? view : null;
  const maps = mine !== null && holdsMaps(mine.info);
  return (
    <section class="layerbar" aria-label="Channels shown">
      <div class="row">
        <h1 title={tag ?? ""}>{tag ?? "No layer"}</h1>
        {mine && (
          <>
            <span class="muted">{shapeText(mine)}</span>
            {mine.info.explained ? (
              <Later part="MethodText" quiet />
            ) : (
              <span class="muted ellipsis">· {keptText(mine)}</span>
            )}
          </>
        )}
        <span class="spacer" />
        {mine && <FormChoice />}
      </div>
      <div class="row controls">
        {maps ? <Later part="MapControls" quiet /> : <ChannelControls />}
        <span class="spacer" />
        <Depth />
        <TileSize />
      </div>
    </section>
  );
}

/** Sorts, filters and searches channels. */
function ChannelControls() {
  const store = useStore();
  const view = store.view.value;
  const { sortBy, show, search } = store.triage.value;
  const counts = useComputed(() => {
    const shown = store.view.value;
    if (!shown) return null;
    const { channels, info } = shown;
    return countShown(
      channelStates({ count: channels, ids: info.channelIds, stats: store.statsAt.value }),
    );
  });
  const wrong = useComputed(() => searchError(store));
  // Only where the layer's channels were explained, or a link asks for it.
  const carried = useComputed(() => carriedFor(store.carried.value, store.view.value) !== null);
  const keys = SORT_KEYS.filter(
    (key) => key !== "attribution" || carried.value || sortBy === "attribution",
  );
  return (
    <>
      <Select
        label="Sort by"
        shown
        value={offered(effectiveSort(sortBy, view?.channels ?? 0), view)}
        choices={sortChoices(keys, view)}
        onChange={(key) => setTriage(store, { sortBy: key as SortKey })}
      />
      {sortBy === "pixel" && store.pixel.value === null && (
        <span class="muted ellipsis">Click a pixel to sort by it</span>
      )}
      {store.orderStale.value && <Button label="Re-sort" onClick={store.resort} />}
      <Select
        label="Show"
        shown
        value={show}
        choices={SHOW_KEYS.map((key) => ({
          value: key,
          text: `${SHOW_TEXT[key]} ${counts.value?.[key] ?? ""}`,
        }))}
        onChange={(key) => setTriage(store, { show: key as ShowKey })}
      />
      <input
        class="field search"
        type="search"
        aria-label="Channels to show"
        aria-invalid={wrong.value !== null}
        placeholder="12, 40-48"
        size={12}
        value={search}
        onInput={(event) => setTriage(store, { search: event.currentTarget.value })}
      />
      {wrong.value && <span class="problem ellipsis">{wrong.value}</span>}
      {view?.kind === "attribution" && <Later part="Sign" quiet />}
    </>
  );
}

/** Of one example alone both scopes are one. */
function offered(key: SortKey, view: LayerView | null): string {
  return (view?.info.batch ?? 1) > 1 ? key : key.replace("-all", "");
}

/** Each statistic names what it is of: the example that is shown, or all. */
function sortChoices(keys: readonly SortKey[], view: LayerView | null) {
  const batch = view?.info.batch ?? 1;
  const dense = view && isDense(view.info) && `${view.info.examples.length} stored`;
  const shown = view?.info.shape.length === 5 ? "this slice" : dense || (view && subjectOf(view));
  return keys.flatMap((value) => {
    const [name, all] = value.split("-") as [SortStatistic, string?];
    const text = STATISTIC_TEXT[name];
    if (text === undefined) return [{ value, text: SORT_TEXT[value] ?? value }];
    if (batch > 1) return [{ value, text: `${text}, ${all ? `all ${batch}` : shown}` }];
    return all ? [] : [{ value, text }];
  });
}

/** Signals as colours or as lines, attention as maps or over the input. */
function FormChoice() {
  const store = useStore();
  const view = store.view.value;
  const patches = useComputed(() => patchesIn(store) !== null);
  if (patches.value) return <OverChoice />;
  if (!view || !isSignal(view)) return null;
  return (
    <Segments
      label="Shown as"
      value={store.lines.value ? "lines" : "matrix"}
      choices={[
        { value: "matrix", text: "Matrix" },
        { value: "lines", text: "Lines" },
      ]}
      onChange={(form) => {
        store.form.value = form as Form;
      }}
    />
  );
}

/** Attention as maps, or over the picture whose patches it looks at. */
function OverChoice() {
  const store = useStore();
  const over = store.form.value === "over";
  return (
    <>
      {over && <QueryPlace />}
      <Segments
        label="Shown as"
        value={over ? "over" : "map"}
        choices={[
          { value: "map", text: "Map" },
          { value: "over", text: "Over input" },
        ]}
        onChange={(form) => {
          store.form.value = form === "over" ? form : null;
        }}
      />
    </>
  );
}

/** Which patch looks, as "query: row 1, column 2"; how the positions were read, on hover. */
function QueryPlace() {
  const store = useStore();
  const patches = patchesIn(store);
  if (!patches) return null;
  const { rows, columns, skipped } = patches;
  const left = skipped > 0 ? `, ${skipped} ${skipped > 1 ? "tokens" : "token"} left out` : "";
  return (
    <span class="muted ellipsis" title={`${rows}×${columns} patches${left}`}>
      query: {placeOf(patches, queryIn(store, patches))}
    </span>
  );
}

const sizesOf = (sides: readonly number[]) =>
  sides.map((size) => ({ zoom: size, width: size, height: size }));
const CELLS = sizesOf(CELL_SIZES);
const ROWS = sizesOf(SIGNAL_SIZES);

/** Which slice of a volume is shown. */
function Depth() {
  const store = useStore();
  const view = store.view.value;
  const last = view && view.spatial.length > 2 ? view.spatial[0]! - 1 : 0;
  useDepthWheel(store, last);
  if (!view || last < 1) return null;
  return (
    <span class="depth" title="Alt and the wheel over a tile">
      <Slider
        label="Depth"
        min={0}
        max={last}
        step={1}
        value={store.depth}
        initial={middleOf(view.info.shape)}
        format={(z) => `z ${z}`}
        onInput={(z) => {
          store.depthWish.value = z;
        }}
      />
    </span>
  );
}

function TileSize() {
  const store = useStore();
  const shown = store.shown.value;
  if (!shown) return null;
  const { width, height } = (patchesShown(store)?.picture ?? shown.source).stack;
  const view = store.view.value;
  const matrix = view !== null && isMatrix(view);
  const sizes = !matrix ? tileSizes(width, height) : isSignal(view) ? ROWS : CELLS;
  const current = nearestTile(sizes, store.tileWidth.value);
  return (
    <span class="size">
      <span aria-hidden="true">Size</span>
      <input
        type="range"
        aria-label="Tile size"
        aria-valuetext={`${current.width} pixels`}
        min={0}
        max={sizes.length - 1}
        step={1}
        value={sizes.indexOf(current)}
        onInput={(event) => {
          store.tileSize.value = sizes[event.currentTarget.valueAsNumber]?.width ?? null;
        }}
        onDblClick={() => {
          store.tileSize.value = null;
        }}
      />
    </span>
  );
}

/** As "28×28×64". */
function shapeText({ info }: LayerView): string {
  return [...info.shape.slice(1, -1), info.channels].join("×");
}

/** What of the batch and the channels was stored. */
function keptText({ info, channels }: LayerView): string {
  const examples = `${info.examples.length} of ${info.batch} examples stored`;
  if (channels === info.channels) return examples;
  return `${examples}, ${channels} of ${info.channels} channels`;
}
