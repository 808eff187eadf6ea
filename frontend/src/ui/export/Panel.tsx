/** What the panel of Export holds: a figure of the filtered channels, the tensor as a file, a line of Python. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { tensorAddress } from "../../data/client";
import { copiesText } from "../../host/clipboard";
import { formatSpan } from "../../render/format";
import type { TileSource } from "../../render/planes";
import type { Shown } from "../../render/shown";
import type { MapRow } from "../../state/attributed";
import { captionOf, exampleText } from "../../state/caption";
import { useClient } from "../../state/client";
import { overOf } from "../../state/over";
import { patchesShown, queryIn } from "../../state/patches";
import { labelsShown, type Store, useStore } from "../../state/store";
import { zeroInCell } from "../../state/stored";
import { Button, Select } from "../controls";
import { type Figure, type FigureRow, fileName, largestScale } from "./figure";
import { npyOf, pythonLine } from "./npy";
import { layoutOfFigure, paintFigure } from "./paintFigure";

const BACKGROUNDS = [
  { value: "white", text: "White" },
  { value: "transparent", text: "Transparent" },
] as const;

function figureOf(store: Store): Figure | null {
  const view = store.view.value;
  const shown = store.shown.value;
  if (!view || !shown) return null;
  const labels = labelsShown(store);
  const tileWidth = store.tileWidth.value || 84;
  const tileColumns = store.tileColumns.value;
  const depth = view.info.shape.length === 5 ? store.depth.value : null;
  const order = store.cells.value;
  const patches = patchesShown(store);
  const zero = (position: number, source: TileSource) =>
    zeroInCell(store, position, source === shown.source ? "shown" : "other");
  return {
    view,
    shown,
    labels,
    order,
    zero,
    tileWidth,
    tileColumns,
    depth,
    lines: store.lines.value,
    look: patches && { ...patches, query: queryIn(store, patches) },
    maps: store.mapRows.value.map((row) => rowOf(store, row)),
    ...comparedIn(store, shown),
  };
}

function rowOf(store: Store, { view, shown, targets }: MapRow): FigureRow {
  const under = overOf(store, view);
  return {
    shown,
    lines: [
      exampleText(store, view),
      `bound ${formatSpan(shown.table.limits(targets[0] ?? 0))[1]}`,
    ],
    input: under?.input ?? null,
    over: store.overlay.value ? under : null,
    maps: targets.map((position) => {
      const { name, sum, doubt } = captionOf(store, view, position);
      return { position, lines: [name, sum, doubt.text] };
    }),
  };
}

/** The second view as it is compared: beside each tile, or taken off it. */
function comparedIn(store: Store, shown: Shown): Pick<Figure, "beside" | "versus"> {
  const { other } = shown;
  const name = store.otherName.value;
  if (store.isDifference.value) return { beside: null, versus: `minus ${name}` };
  if (store.compare.value?.mode !== "beside" || !other) return { beside: null, versus: null };
  const fits = other.source.stack.planes === shown.source.stack.planes;
  return fits ? { beside: other.source, versus: `beside ${name}` } : { beside: null, versus: null };
}

export function Panel() {
  const store = useStore();
  const said = useSignal("");
  useLayoutEffect(() => document.querySelector<HTMLElement>(".export-panel select")?.focus(), []);
  return (
    <>
      <Picture said={said} />
      <Values said={said} />
      <p role="alert" hidden={said.value === ""}>
        {said.value}
      </p>
      <span class="muted">
        {store.mapRows.value.length > 0
          ? "the maps as they are shown"
          : `${store.order.value.length} channels, filtered and in order`}
      </span>
    </>
  );
}

interface Said {
  readonly said: { value: string };
}

function Picture({ said }: Said) {
  const store = useStore();
  const scale = useSignal(2);
  const background = useSignal("white");
  const figure = figureOf(store);
  const count = store.order.value.length;
  if (!figure || count === 0)
    return <p>No channel passes the filter: there is nothing to paint.</p>;
  const size = layoutOfFigure(figure);
  const largest = largestScale(size);
  const times = Math.min(scale.value, largest);
  const save = () => {
    if (times === 0) {
      said.value = `${count} channels make a picture too large to paint; filter them first`;
      return;
    }
    const white = background.value === "white" ? "#ffffff" : null;
    const { tag, info, example } = figure.view;
    const one = figure.view.pool ?? `example${info.examples[example] ?? example}`;
    const shown = figure.maps.length > 1 ? null : one;
    const name = fileName(tag, info.step, shown, "png", figure.depth);
    paintFigure(figure, times, white).toBlob((blob) => {
      if (blob) download(blob, name);
      else said.value = "the browser could not make the picture";
    }, "image/png");
  };
  return (
    <fieldset>
      <legend>Picture</legend>
      <Select
        label="Scale"
        shown
        value={String(times)}
        choices={[1, 2, 3, 4]
          .filter((n) => n <= Math.max(1, largest))
          .map((n) => ({
            value: String(n),
            text: `${n}×, ${size.width * n} × ${size.height * n}`,
          }))}
        onChange={(value) => {
          scale.value = Number(value);
        }}
      />
      <Select
        label="Background"
        shown
        value={background.value}
        choices={BACKGROUNDS}
        onChange={(value) => {
          background.value = value;
        }}
      />
      <Button label="Save PNG" onClick={save} />
    </fieldset>
  );
}

/** All stored examples and channels of the layer at this step. */
function Values({ said }: Said) {
  const store = useStore();
  const client = useClient();
  const copied = useSignal(false);
  const view = store.view.value;
  if (!view) return null;
  const { run, tag, info } = view;
  const [n = 0, ...rest] = info.shape;
  const shape = [n, rest.at(-1) ?? 0, ...rest.slice(0, -1)];
  const line = pythonLine(
    new URL(tensorAddress({ run, tag, info }), document.baseURI).href,
    info,
    shape,
  );
  const save = async () => {
    said.value = "";
    try {
      const tensor = await client.tensor({ run, tag, info }, new AbortController().signal);
      download(new Blob([npyOf(tensor)]), fileName(tag, info.step, null, "npy"));
    } catch (error) {
      said.value = `the values could not be fetched: ${error instanceof Error ? error.message : error}`;
    }
  };
  const copy = async () => {
    copied.value = await copiesText(line);
    said.value = copied.value ? "" : "the clipboard is not allowed here: copy the line by hand";
  };
  return (
    <fieldset>
      <legend>{`Values, ${shape.join("×")}`}</legend>
      <Button label="Save NPY" onClick={() => void save()} />
      <Button label={copied.value ? "Copied" : "Copy Python"} onClick={() => void copy()} />
      <textarea readOnly rows={5} aria-label="Python that loads the values" value={line} />
    </fieldset>
  );
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
