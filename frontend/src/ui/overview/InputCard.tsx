/** The input of the shown example: its picture, label and range, and the other examples to choose. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { StepInfo } from "../../data/answers";
import { RGB } from "../../data/channels";
import { buildLut } from "../../render/colormap";
import { formatValue } from "../../render/format";
import { minMax } from "../../render/limits";
import type { TileSource } from "../../render/planes";
import { paintCanvas } from "../../render/strip";
import { affineOf } from "../../render/window";
import { selectExample } from "../../state/actions";
import type { InputView } from "../../state/signals";
import { useStore } from "../../state/store";
import { Select } from "../controls";
import { InputPicture } from "../inspector/InputPicture";

const THUMBS = 48;
const PICTURE = 72;

export function InputCard() {
  const store = useStore();
  const view = store.view.value;
  const info = view?.info ?? store.info.value;
  if (!info) return null;
  const input = store.input.value;
  const labels = input?.info.labels ?? info.labels;
  const example = view?.example ?? 0;
  const reason = store.failures.value.input;
  const none = store.inputHere.value === null ? "No input was logged for these examples" : "";
  const noInput = reason === undefined ? none : `No input: ${reason}`;
  return (
    <div class="section">
      <div class={`inputbox ${input ? "" : "alone"}`}>
        <InputPicture size={PICTURE} label="Input" />
        <div class="facts">
          <ExampleChoice />
          {input ? <InputFacts input={input} /> : <span>{noInput}</span>}
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

/** The choice `Example`, by position in the batch and label. */
export function ExampleChoice({ shown }: { readonly shown?: boolean }) {
  const store = useStore();
  const view = store.view.value;
  const info = view?.info ?? store.info.value;
  if (!info) return null;
  const input = store.input.value;
  const labels = input?.info.labels ?? info.labels;
  return (
    <Select
      label="Example"
      shown={shown ?? false}
      value={String(view?.example ?? 0)}
      choices={info.examples.map((id, i) => ({
        value: String(i),
        text: exampleText(id, labelOf(labels, input, info, i)),
      }))}
      onChange={(value) => selectExample(store, Number(value))}
    />
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
  const all = source.extentOfAll();
  const reach = Math.max(Math.abs(all.min), Math.abs(all.max));
  const { width, height, planes } = source.stack;
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
function paintInput(canvas: HTMLCanvasElement, source: TileSource): void {
  const window = affineOf(minMax(source.extentOfAll()), source.stack.scale);
  const lut = buildLut({ colormap: "grey", gamma: 1, invert: false, clipped: false });
  paintCanvas(canvas, source, source.stack.planes === 3 ? RGB : 0, window, lut);
}

function Thumb({ source }: { readonly source: TileSource }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current) paintInput(canvas.current, source);
  }, [source]);
  return <canvas ref={canvas} aria-hidden="true" />;
}
