/** What the classifier answers for the shown example: likeliest classes, whether it is right, over steps. */
import { useComputed } from "@preact/signals";
import { isRight } from "../../data/classifier";
import { goToStep, selectExample } from "../../state/actions";
import { type AnswersHere, answersHere, outputsOf, shareText } from "../../state/answer";
import { useStore } from "../../state/store";
import { Select } from "../controls";
import { Trouble } from "../Guard";

export function AnswerCard() {
  const store = useStore();
  const here = useComputed(() => answersHere(store)).value;
  const view = store.view.value;
  const { tag, tags } = outputsOf(store);
  const reason = store.failures.value.answer ?? here?.answers.omitted;
  if (tag === undefined || !view) return null;
  return (
    <div class="answer" role="group" aria-label="Answer">
      {tags.length > 1 && (
        <Select
          label="Output"
          shown
          value={tag}
          choices={tags.map((value) => ({ value, text: value }))}
          onChange={(value) => {
            store.output.value = value;
          }}
        />
      )}
      {reason ? (
        <Trouble text={`No answer: ${reason}`} />
      ) : (
        here && !view.pool && <Likeliest here={here} example={view.info.examples[view.example]!} />
      )}
    </div>
  );
}

interface LikeliestProps {
  readonly here: AnswersHere;
  /** Its position in the batch. */
  readonly example: number;
}

function Likeliest({ here, example }: LikeliestProps) {
  const store = useStore();
  const { answers, at, name } = here;
  const { form, step: steps } = answers;
  const i = answers.examples.indexOf(example);
  const right = answers.right[i];
  const ok = here.verdict(example);
  const top = answers.top[at]?.[i];
  const notes = [
    !top && (i < 0 ? "Not stored of this example" : "No answer yet"),
    top && form.endsWith("logits") && `${form === "logits" ? "Softmax" : "Sigmoid"} of the logits`,
    top && steps[at] !== store.view.value?.info.step && `at step ${steps[at]}`,
  ];
  return (
    <>
      <p>
        {ok !== null && (
          <b class={ok ? "" : "bad"}>
            {ok
              ? "Right"
              : `Wrong: ${name(right!)} has ${shareText(answers.right_probabilities[at]?.[i])}`}
          </b>
        )}
        <Wrong here={here} />
      </p>
      {top?.map((index, k) => {
        const share = answers.probabilities[at]?.[i]?.[k];
        return (
          <div class={`share ${index === right ? "right" : ""}`} key={k}>
            <span title={name(index)}>{name(index)}</span>
            <i style={{ "--share": share ?? 0 }} />
            <b>{shareText(share)}</b>
          </div>
        );
      })}
      {i >= 0 && steps.length > 1 && <Course here={here} i={i} />}
      <p>{notes.filter(Boolean).join(", ")}</p>
    </>
  );
}

/** How many of the stored examples are wrong; a click goes to the next of them. */
function Wrong({ here }: { readonly here: AnswersHere }) {
  const store = useStore();
  const { info, example } = store.view.value!;
  const known = info.examples.map(here.verdict);
  const wrong = known.flatMap((one, i) => (one === false ? [i] : []));
  const text = `${wrong.length} of ${known.filter((one) => one !== null).length} wrong`;
  if (wrong.length === 0) return known.some((one) => one) ? <span>{text}</span> : null;
  return (
    <button
      class="link"
      type="button"
      title="Go to the next"
      onClick={() => selectExample(store, wrong.find((i) => i > example) ?? wrong[0]!)}
    >
      {text}
    </button>
  );
}

/** The right class's probability over the steps, or the likeliest's where none is known. */
function Course({ here, i }: { readonly here: AnswersHere; readonly i: number }) {
  const store = useStore();
  const { answers, at, name } = here;
  const { step: steps, top, probabilities } = answers;
  const oks = steps.map((_, p) => isRight(answers, p, i));
  const go = (p: number) => steps[p] !== undefined && goToStep(store, steps[p]!);
  return (
    <div
      class="course"
      role="slider"
      tabIndex={0}
      aria-label="Answers over the steps"
      aria-valuemin={steps[0]}
      aria-valuemax={steps.at(-1)}
      aria-valuenow={steps[at]}
      style={{ "--step-at": (at + 0.5) / steps.length }}
      onClick={({ target, currentTarget }) =>
        go([...currentTarget.children].indexOf(target as Element))
      }
      onKeyDown={(event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by) return;
        event.preventDefault();
        event.stopPropagation();
        go(at + by);
      }}
    >
      {oks.map((ok, p) => {
        const [best, share] = [top[p]?.[i]?.[0], probabilities[p]?.[i]?.[0]];
        const said = best === undefined ? "no answer" : `${name(best)} ${shareText(share)}`;
        return (
          <i
            key={p}
            class={ok === false ? "bad" : ""}
            style={{ "--share": (ok === null ? share : answers.right_probabilities[p]?.[i]) ?? 0 }}
            title={`Step ${steps[p]}: ${said}${ok === null ? "" : ok ? ", right" : ", wrong"}`}
          />
        );
      })}
    </div>
  );
}
