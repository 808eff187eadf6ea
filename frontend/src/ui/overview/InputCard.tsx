/** The input of the shown example: its picture, label and range, and the other examples to choose. */
import type { StepInfo } from "../../data/answers";
import { POOLS } from "../../data/choices";
import { labelsOf } from "../../data/labels";
import { poolIn } from "../../data/pool";
import { middleOf } from "../../data/view";
import { formatValue } from "../../render/format";
import { isRow } from "../../render/sample";
import { selectExample } from "../../state/actions";
import { answersHere } from "../../state/answer";
import { inputShown } from "../../state/inputShown";
import type { InputView } from "../../state/signals";
import { useStore } from "../../state/store";
import { Select } from "../controls";
import { Guard } from "../Guard";
import { InputPicture } from "../inspector/InputPicture";
import { Sample } from "../inspector/Sample";
import { AnswerCard } from "./AnswerCard";

const THUMBS = 48;
const PICTURE = 72;
const THUMB = 32;
const NUMBERS = 32;

export function InputCard() {
  const store = useStore();
  const view = store.view.value;
  const info = view?.info ?? store.info.value;
  if (!info) return null;
  const input = store.input.value;
  const labels = (input && labelsOf(input.info)) ?? labelsOf(info);
  const verdict = answersHere(store)?.verdict;
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
      <Numbers />
      <Guard name="answer">
        <AnswerCard />
      </Guard>
      {info.examples.length > 1 && input && (
        <fieldset class="thumbs" aria-label="Examples">
          {info.examples.slice(0, THUMBS).map((id, i) => {
            const source = input.sources[input.info.examples.indexOf(id)];
            if (!source) return null;
            const wrong = verdict?.(id) === false;
            const text = exampleText(id, labelOf(labels, input, info, i), wrong);
            return (
              <button
                key={id}
                type="button"
                class={wrong ? "missed" : ""}
                aria-label={text}
                title={text}
                aria-pressed={i === example && !view?.pool}
                onClick={() => selectExample(store, i)}
              >
                <Sample source={source} size={THUMB} label={null} />
              </button>
            );
          })}
        </fieldset>
      )}
    </div>
  );
}

/** The numbers of tokens, each in a cell. */
function Numbers() {
  const source = inputShown(useStore());
  if (!source || !isRow(source.stack)) return null;
  const { planes } = source.stack;
  return (
    <ol class="inputnumbers" aria-label="Input">
      {Array.from({ length: Math.min(planes, NUMBERS) }, (_, i) => (
        <li key={i}>{source.value(i, 0, 0)}</li>
      ))}
      {planes > NUMBERS && <li>…</li>}
    </ol>
  );
}

/** The choice `Example`, by position in the batch and label. */
export function ExampleChoice({ shown }: { readonly shown?: boolean }) {
  const store = useStore();
  const view = store.view.value;
  const info = view?.info ?? store.info.value;
  if (!info) return null;
  const input = store.input.value;
  const labels = (input && labelsOf(input.info)) ?? labelsOf(info);
  const verdict = answersHere(store)?.verdict;
  return (
    <Select
      label="Example"
      shown={shown ?? false}
      value={view?.pool ?? String(view?.example ?? 0)}
      choices={[
        ...info.examples.map((id, i) => ({
          value: String(i),
          text: exampleText(id, labelOf(labels, input, info, i), verdict?.(id) === false),
        })),
        ...POOLS.filter((pool) => poolIn(info, pool)).map((pool) => ({
          value: pool,
          text: `${pool === "mean" ? "Mean" : "Largest"} of ${info.examples.length} stored`,
        })),
      ]}
      onChange={(value) => {
        const pool = POOLS.find((one) => one === value);
        if (pool) store.pool.value = pool;
        else selectExample(store, Number(value));
      }}
    />
  );
}

function labelOf(
  labels: readonly string[] | null | undefined,
  input: InputView | null,
  info: StepInfo,
  position: number,
): string | undefined {
  if (!labels) return undefined;
  if (!input || labels !== labelsOf(input.info)) return labels[position];
  return labels[input.info.examples.indexOf(info.examples[position]!)];
}

function exampleText(id: number, label: string | undefined, wrong: boolean): string {
  return `example ${id}${label === undefined ? "" : `, “${label}”`}${wrong ? ", wrong" : ""}`;
}

/** As "28×28×3", "512", or "5×9×9, slice 2"; one channel is not said. */
function sizeText({ shape }: StepInfo): string {
  const sides = shape.slice(1);
  if (sides.length > 1 && sides.at(-1) === 1) sides.pop();
  return sides.join("×") + (shape.length === 5 ? `, slice ${middleOf(shape)}` : "");
}

function InputFacts({ input }: { readonly input: InputView }) {
  const source = inputShown(useStore());
  if (!source) return null;
  const all = source.extentOfAll();
  const reach = Math.max(Math.abs(all.min), Math.abs(all.max));
  const digits = source.digits(3);
  return (
    <>
      <span>
        {formatValue(all.min, reach, digits)} … {formatValue(all.max, reach, digits)}{" "}
        {input.info.dtype}
      </span>
      <span>
        {sizeText(input.info)}
        {all.nonfinite > 0 && <b class="problem"> {all.nonfinite} non-finite</b>}
      </span>
    </>
  );
}
