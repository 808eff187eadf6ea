/** The step slider over the steps that were really logged, play, follow, and what is known of the step. */
import type { ComponentChildren } from "preact";
import { ready, type StepInfo } from "../data/answers";
import { COMPARE_MODES, type CompareMode } from "../data/choices";
import { misfit } from "../render/difference";
import {
  goToStep,
  moveStep,
  setCompare,
  setFollow,
  setPlaying,
  toggleCompare,
} from "../state/actions";
import { positionAt } from "../state/choose";
import { ALL_RUNS, compareChoices } from "../state/compare";
import { useStore } from "../state/store";
import { Button, CopyButton, Select } from "./controls";
import { Export } from "./export/Export";
import { isMatrix } from "./grid/matrixLayout";
import { StepField } from "./StepField";

interface StepBarProps {
  readonly onDrawer: () => void;
  readonly drawer: boolean;
  /** Copies the link to the view and answers what to say. */
  readonly copyLink: () => Promise<string>;
  /** What stands under it. */
  readonly children: ComponentChildren;
}

export function StepBar({ onDrawer, drawer, copyLink, children }: StepBarProps) {
  const store = useStore();
  const steps = ready(store.stepIndex.value)?.steps ?? [];
  const info = store.info.value;
  const position = info ? positionAt(steps, info.step) : 0;
  const last = Math.max(0, steps.length - 1);
  const only = steps.length < 2;
  const goTo = (at: number) => {
    const step = steps[at];
    if (step) goToStep(store, step.step);
  };
  return (
    <section class="stepbar" aria-label="Steps">
      <div class="row">
        <Button
          label="First"
          icon="first"
          disabled={only || position === 0}
          onClick={() => goTo(0)}
        />
        <Button
          label="Previous"
          icon="previous"
          disabled={only || position === 0}
          onClick={() => moveStep(store, -1)}
        />
        <div class="slide">
          <input
            type="range"
            aria-label="Step"
            aria-valuetext={info ? `step ${info.step}, ${position + 1} of ${steps.length}` : "none"}
            min={0}
            max={last}
            step={1}
            value={position}
            disabled={only}
            onInput={(event) => goTo(event.currentTarget.valueAsNumber)}
          />
        </div>
        <Button
          label="Next"
          icon="next"
          disabled={only || position === last}
          onClick={() => moveStep(store, 1)}
        />
        <Button
          label="Last"
          icon="last"
          disabled={only || position === last}
          onClick={() => goTo(last)}
        />
        <Button
          label="Play"
          icon={store.playing.value ? "pause" : "play"}
          pressed={store.playing.value}
          disabled={only}
          onClick={() => setPlaying(store, !store.playing.value)}
        />
        <Button
          label="Follow"
          pressed={store.follow.value}
          title="Stay on the last step as new ones are logged"
          onClick={() => setFollow(store, !store.follow.value)}
        />
        <span class="count" title="Position among the steps logged">
          {steps.length > 0 ? `${position + 1}/${steps.length}` : ""}
        </span>
      </div>
      <div class="row">
        <span class="when ellipsis">
          {info && (
            <>
              <StepField step={info.step} />
              <span class="muted">, {timeOf(info)}</span>
            </>
          )}
          <StepNote />
        </span>
        <span class="spacer" />
        <Button
          label="Compare"
          pressed={store.compare.value !== null}
          title="A second step, run or example beside this one"
          onClick={() => toggleCompare(store)}
        />
        <Export />
        <CopyButton label="Copy link" copy={copyLink} />
        <Button
          label="Values"
          icon="panel"
          class="drawer-button"
          pressed={drawer}
          title="Value window and inspector"
          onClick={onDrawer}
        />
      </div>
      {store.compare.value && <CompareBar />}
      {children}
    </section>
  );
}

const MODES: Record<CompareMode, string> = {
  beside: "Side by side",
  flip: "Hold X to flip",
  difference: "Difference",
};

/** How both are seen at once, and which of them is where. */
const BESIDE = {
  tiles: ["Side by side", "left", "right"],
  matrix: ["One under the other", "above", "below"],
  lines: ["One over the other", "solid", "dashed"],
} as const;

const NOTHING: Record<CompareMode, string> = {
  beside: "Nothing beside",
  flip: "Nothing to flip",
  difference: "No difference",
};

/** With what, and how; and what must be known of it. */
function CompareBar() {
  const store = useStore();
  const { target, mode } = store.compare.value ?? { target: "first", mode: "beside" };
  const [view, other] = [store.view.value, store.other.value];
  const unequal = view && other ? misfit(view, other, mode) : null;
  const form = store.lines.value ? "lines" : view && isMatrix(view) ? "matrix" : "tiles";
  const [besideText, ...places] = BESIDE[form];
  const legend = legendOf(mode, view?.info.step ?? 0, store.otherName.value, places);
  const said =
    unequal === null
      ? [legend, store.otherNote.value].filter(Boolean).join(" · ")
      : `${NOTHING[mode]}: ${unequal}`;
  return (
    <div class="row compare">
      <Select
        label="Compare with"
        shown
        value={target}
        choices={compareChoices(store)}
        onChange={(next) => setCompare(store, { target: next })}
      />
      {target !== ALL_RUNS && (
        <Select
          label="Compare as"
          value={mode}
          choices={COMPARE_MODES.map((value) => ({
            value,
            text: value === "beside" ? besideText : MODES[value],
          }))}
          onChange={(next) => setCompare(store, { mode: next as CompareMode })}
        />
      )}
      <span class="muted ellipsis" title={said}>
        {said}
      </span>
    </div>
  );
}

/** Which of the two is where. */
function legendOf(
  mode: CompareMode,
  step: number,
  other: string,
  [own, its]: readonly string[],
): string {
  if (other === "") return "";
  if (mode === "beside") {
    return `${own} step ${step}, ${its} ${other}`;
  }
  return mode === "flip" ? `hold X for ${other}` : `step ${step} minus ${other}`;
}

/** What is missing from the slider, said where it is looked for. */
function StepNote() {
  const store = useStore();
  const index = ready(store.stepIndex.value);
  if (!index) return null;
  const { sampled, complete, live } = index;
  const notes = [
    sampled && "TensorBoard sampled these steps; others were logged",
    !sampled && !complete && "still reading the log",
    !live && store.follow.value && "new ones come as TensorBoard reloads",
  ];
  return <span class="muted">{notes.map((note) => note && ` · ${note}`)}</span>;
}

function timeOf({ wallTime }: StepInfo): string {
  const time = new Date(wallTime * 1000);
  const today = new Date().toDateString() === time.toDateString();
  const clock = time.toLocaleTimeString("en-GB");
  return today ? clock : `${time.toLocaleDateString("en-CA")} ${clock}`;
}
