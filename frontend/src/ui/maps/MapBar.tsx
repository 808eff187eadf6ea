/** What the attribution is, and the switches that say how its maps are shown. */
import { useComputed } from "@preact/signals";
import { FOLDS, type Fold } from "../../data/maps";
import { isCoarse } from "../../render/maps";
import { setMaps, setOverlay } from "../../state/actions";
import { shapingOf, targetNames } from "../../state/attributed";
import { failedCheck } from "../../state/doubts";
import { methodText } from "../../state/mapText";
import { overOf } from "../../state/over";
import { useStore } from "../../state/store";
import { Button, Select, Slider } from "../controls";
import { Trouble } from "../Guard";

const FOLD_TEXT: Record<Fold, string> = {
  signed: "Both signs",
  relu: "ReLU: positive",
  abs: "|·|: magnitude",
};
const FOLD_TITLE: Record<Fold, string> = {
  signed: "Red speaks for the class, blue against it",
  relu: "What speaks against the class is shown as zero",
  abs: "How much a place counts, whichever way",
};

/** The controls of maps, for the place where those of channels stand. */
export function MapControls() {
  const store = useStore();
  const view = store.view.value;
  if (!view) return null;
  const usable = overOf(store, view) !== null;
  return (
    <>
      <Button
        label="Over input"
        pressed={usable && store.overlay.value}
        disabled={!usable}
        title="Lay the maps over the input in grey: a value of zero shows the picture (i)"
        onClick={() => setOverlay(store, !store.overlay.peek())}
      />
      {usable && store.overlay.value && <Opacity />}
      <Sign />
      <Upsampling />
      <Contrast />
    </>
  );
}

function Opacity() {
  const store = useStore();
  const opacity = useComputed(() => store.maps.value.opacity);
  return (
    <span class="opacity" title="Of the largest values; smaller ones are less opaque in proportion">
      <Slider
        label="Opacity"
        min={0}
        max={1}
        step={0.01}
        value={opacity}
        initial={0.6}
        format={(share) => `${Math.round(100 * share)} %`}
        onInput={(next) => setMaps(store, { opacity: next })}
      />
    </span>
  );
}

export function Sign() {
  const store = useStore();
  const { fold } = store.maps.value;
  return (
    <span title={FOLD_TITLE[fold]}>
      <Select
        label="Sign"
        shown
        value={fold}
        choices={FOLDS.map((value) => ({ value, text: FOLD_TEXT[value] }))}
        onChange={(next) => setMaps(store, { fold: next as Fold })}
      />
    </span>
  );
}

/** How a map that is coarser than its input is enlarged. */
function Upsampling() {
  const store = useStore();
  const view = store.view.value;
  if (!view || !isCoarse(view)) return null;
  const { smooth } = shapingOf(store, view);
  const size = view.spatial.slice(-2).join("×");
  return (
    <span
      title={
        smooth
          ? "Between the cells' middles the colours are interpolated: no detail finer than a cell is known"
          : "Each cell is one square of the colour of its value"
      }
    >
      <Select
        label={`Upsampled ${size}`}
        shown
        value={smooth ? "bilinear" : "nearest"}
        choices={[
          { value: "nearest", text: "Nearest" },
          { value: "bilinear", text: "Bilinear" },
        ]}
        onChange={(next) => setMaps(store, { smooth: next === "bilinear" })}
      />
    </span>
  );
}

/** The difference of two targets: what speaks for the one rather than for the other. */
function Contrast() {
  const store = useStore();
  const view = store.view.value;
  const names = useComputed(() => {
    const rows = store.mapRows.value.flatMap((row) => (row.names.length > 1 ? row.names : []));
    return [...new Set(rows)];
  }).value;
  const { against } = store.maps.value;
  if (!view || (names.length === 0 && against === null)) return null;
  const known = against === null || names.includes(against) ? names : [...names, against];
  const here = against === null || targetNames(store, view).includes(against);
  return (
    <>
      <span title="Each map less that of this class: what speaks for the one rather than the other">
        <Select
          label="Contrast with"
          shown
          value={against ?? ""}
          choices={[
            { value: "", text: "None" },
            ...known.map((name) => ({ value: name, text: name })),
          ]}
          onChange={(name) => setMaps(store, { against: name || null })}
        />
      </span>
      {!here && <span class="muted ellipsis">no map of {against} in this example</span>}
    </>
  );
}

/** The method and its options, and what could not be had of it. */
export function MethodText() {
  const store = useStore();
  const { scores, bound } = store.failures.value;
  if (scores !== undefined) return <Trouble text={`No scores: ${scores}`} />;
  if (bound !== undefined) return <Trouble text={`No bound over steps: ${bound}`} />;
  return <Options />;
}

function Options() {
  const store = useStore();
  const text = useComputed(() => (store.view.value ? methodText(store.view.value) : "")).value;
  const failed = useComputed(() => (store.view.value ? failedCheck(store, store.view.value) : ""));
  return (
    <>
      {failed.value && (
        <span class="failed" title={failed.value}>
          fails check
        </span>
      )}
      <span class="muted ellipsis" title={text}>
        · {text}
      </span>
    </>
  );
}
