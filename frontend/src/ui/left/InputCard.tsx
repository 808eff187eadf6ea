/** The input of the shown example: its picture, label and range, and the other examples to choose. */
import { useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { StepInfo } from "../../data/types";
import { buildLut } from "../../render/colormap";
import type { TileSource } from "../../render/decode";
import { formatValue } from "../../render/format";
import { paintCanvas } from "../../render/strip";
import { affineOf, minMax } from "../../render/window";
import { selectExample } from "../../state/actions";
import { type InputView, useStore } from "../../state/store";
import { Select } from "../controls";

const THUMBS = 48;

export function InputCard() {
  const store = useStore();
  const view = store.view.value;
  const info = view?.info ?? store.info.value;
  if (!info) return null;
  const input = store.input.value;
  const labels = input?.info.labels ?? info.labels;
  const example = view?.example ?? 0;
  return (
    <div class="section">
      <div class="inputbox">
        <InputPicture />
        <div class="facts">
          <Select
            label="Example"
            value={String(example)}
            choices={info.examples.map((id, i) => ({
              value: String(i),
              text: exampleText(id, labelOf(labels, input, info, i)),
            }))}
            onChange={(value) => selectExample(store, Number(value))}
          />
          {input ? (
            <InputFacts input={input} />
          ) : (
            <span>No input was logged for these examples</span>
          )}
        </div>
      </div>
      {info.examples.length > 1 && input && (
        <fieldset class="thumbs" aria-label="Examples">
          {info.examples.slice(0, THUMBS).map((id, i) => {
            const source = input.sources[input.info.examples.indexOf(id)];
            if (!source) return null;
            const text = exampleText(id, labelOf(labels, input, info, i));
            return (
              <button
                key={id}
                type="button"
                aria-label={text}
                title={text}
                aria-pressed={i === example}
                onClick={() => selectExample(store, i)}
              >
                <Thumb source={source} />
              </button>
            );
          })}
        </fieldset>
      )}
    </div>
  );
}

function labelOf(
  labels: readonly string[] | null,
  input: InputView | null,
  info: StepInfo,
  position: number,
): string | undefined {
  if (!labels) return undefined;
  if (labels !== input?.info.labels) return labels[position];
  return labels[input.info.examples.indexOf(info.examples[position]!)];
}

function exampleText(id: number, label: string | undefined): string {
  return label === undefined ? `example ${id}` : `example ${id}, “${label}”`;
}

function InputFacts({ input }: { readonly input: InputView }) {
  const source = input.sources[input.example];
  if (!source) return null;
  const { min, max, nonfinite } = source.extent(0);
  const all = source.extentOfAll();
  const reach = Math.max(Math.abs(all.min), Math.abs(all.max));
  const { width, height, planes } = source.stack;
  void [min, max, nonfinite];
  return (
    <>
      <span>
        {formatValue(all.min, reach, 3)} … {formatValue(all.max, reach, 3)} {input.info.dtype}
      </span>
      <span>
        {height}×{width}
        {planes > 1 ? `×${planes}` : ""}
        {all.nonfinite > 0 && <b class="problem"> {all.nonfinite} non-finite</b>}
      </span>
    </>
  );
}

/** The input at min to max: in colour where it has three channels, else grey. */
export function paintInput(canvas: HTMLCanvasElement, source: TileSource): void {
  const window = affineOf(minMax(source.extentOfAll()), source.stack.scale);
  const lut = buildLut({ colormap: "grey", gamma: 1, invert: false, clipped: false });
  paintCanvas(canvas, source, source.stack.planes === 3 ? [0, 1, 2] : 0, window, lut);
}

function InputPicture() {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const input = store.input.value;
    const source = input?.sources[input.example];
    if (canvas.current && source) paintInput(canvas.current, source);
  });
  const input = store.input.value;
  useLayoutEffect(() => {
    const source = input?.sources[input.example];
    if (canvas.current && source) paintInput(canvas.current, source);
  }, [input]);
  return input ? (
    <canvas ref={canvas} class="input" role="img" aria-label="Input" />
  ) : (
    <span class="input" />
  );
}

function Thumb({ source }: { readonly source: TileSource }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current) paintInput(canvas.current, source);
  }, [source]);
  return <canvas ref={canvas} aria-hidden="true" />;
}
