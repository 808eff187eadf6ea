/** The panel `Values`: which true values the colours stand for, and how to move that. */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import { holdsColours, nameOf } from "../../data/channels";
import { COLORMAPS, type ColormapName, type RangeScope } from "../../data/choices";
import { AUTO_LEVELS } from "../../render/autoLimits";
import { marksOf } from "../../render/colormap";
import { formatSpan, formatValue } from "../../render/format";
import { pressAuto, resetWindow, setWindow } from "../../state/actions";
import { selectedOf, useSelected } from "../../state/selected";
import { type Store, useStore } from "../../state/store";
import { Button, Checkbox, Select, Slider } from "../controls";
import { changeToLimits, parseLimit } from "./ends";
import { Histogram } from "./Histogram";

export function ValueWindow() {
  return (
    <section class="values" aria-label="Values">
      <Title />
      <Histogram />
      <Ends />
      <Marks />
      <Amount name="Brightness" field="brightness" />
      <Amount name="Contrast" field="contrast" />
      <Rules />
      <Scope />
      <Maps />
    </section>
  );
}

/** Whose limits stand below. */
function Title() {
  const store = useStore();
  const scope = useComputed(() => {
    const selected = selectedOf(store);
    const { lockSteps } = store.window.value;
    if (!selected) return "";
    const { range } = selected.shown;
    const whose = range === "channel" ? nameOf(selected.id) : "all channels";
    const scope = lockSteps && range !== "manual" ? `${whose}, all steps` : whose;
    return selected.only === null ? scope : `${scope}: ${onlyText(selected.only)}`;
  });
  return (
    <header>
      <h2>Values</h2>
      <span class="scope">{scope}</span>
    </header>
  );
}

function onlyText(only: number): string {
  if (Number.isNaN(only)) return "no finite value";
  return `all values ${Number(formatValue(only, Math.abs(only)))}`;
}

function Ends() {
  return (
    <div class="ends">
      <End name="Minimum" index={0} />
      <End name="Maximum" index={1} />
    </div>
  );
}

/** One limit in real values; typing one sets both for all channels. */
function End({ name, index }: { name: string; index: 0 | 1 }) {
  const store = useStore();
  const selected = useSelected(store);
  const draft = useSignal<string | null>(null);
  const wrong = useSignal<string | null>(null);
  const shown = useComputed(
    () => draft.value ?? (selected.value ? formatSpan(selected.value.named)[index] : ""),
  );
  const commit = () => {
    const text = draft.peek();
    if (text === null) return;
    wrong.value = typeLimit(store, index, text);
    if (wrong.value === null) draft.value = null;
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter") commit();
    if (event.key === "Escape") {
      event.stopPropagation();
      draft.value = null;
      wrong.value = null;
    }
  };
  const id = useId();
  return (
    <div class="end">
      <input
        class="field"
        type="text"
        inputMode="decimal"
        autocomplete="off"
        spellcheck={false}
        aria-label={name}
        aria-invalid={wrong.value !== null}
        aria-describedby={wrong.value === null ? undefined : id}
        title={index === 0 ? "Value of the first colour" : "Value of the last colour"}
        value={shown}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
        }}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={() => {
          commit();
          draft.value = null;
          wrong.value = null;
        }}
        onKeyDown={key}
      />
      {wrong.value !== null && (
        <span class="wrong" role="alert" id={id}>
          {wrong.value}
        </span>
      )}
    </div>
  );
}

/** Sets a typed limit; what is wrong with it, or null. */
function typeLimit(store: Store, index: 0 | 1, text: string): string | null {
  const selected = selectedOf(store);
  const value = parseLimit(text);
  if (value === null) return `“${text.trim()}” is not a number`;
  if (!selected) return null;
  const { lo, hi } = selected.named;
  const limits = index === 0 ? { lo: value, hi } : { lo, hi: value };
  if (!(limits.lo < limits.hi)) return "minimum must be below maximum";
  const manual = [limits.lo, limits.hi] as const;
  setWindow(store, { range: "manual", manual, brightness: 0, contrast: 0 });
  return null;
}

/** The colours that stand for no value of the map, where there are such pixels. */
function Marks() {
  const store = useStore();
  const some = useSignal(false);
  useSignalEffect(() => {
    const source = store.shown.value?.source;
    // Looking through all values waits until the picture is painted.
    const timer = setTimeout(() => {
      some.value = source !== undefined && source.extentOfAll().nonfinite > 0;
    }, 30);
    return () => clearTimeout(timer);
  });
  const chips = useComputed(() => {
    const marks = marksOf(store.shown.value?.colormap ?? "viridis");
    const { markClipped } = store.window.value;
    return [
      ...(some.value
        ? [
            { color: marks.nan, text: "NaN" },
            { color: marks.positive, text: "+Inf" },
            { color: marks.negative, text: "−Inf" },
          ]
        : []),
      ...(markClipped
        ? [
            { color: marks.below, text: "below" },
            { color: marks.above, text: "above" },
          ]
        : []),
    ];
  });
  // Its place stays where there are none, so that nothing under it moves.
  return (
    <div class="legend">
      {chips.value.length > 0 && (
        <ul class="marks" aria-label="Marks">
          {chips.value.map(({ color, text }) => (
            <li key={text}>
              <i style={{ background: color }} />
              {text}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A slider of the window in per cent; it moves every channel alike. */
function Amount({ name, field }: { name: string; field: "brightness" | "contrast" }) {
  const store = useStore();
  const value = useComputed(() => store.window.value[field]);
  return (
    <Slider
      label={name}
      min={-1}
      max={1}
      step={0.01}
      value={value}
      initial={0}
      format={signedPercent}
      onInput={(next) => setWindow(store, { [field]: next })}
    />
  );
}

function signedPercent(share: number): string {
  const percent = Math.round(share * 100);
  return `${percent > 0 ? "+" : percent < 0 ? "−" : ""}${Math.abs(percent)} %`;
}

function Rules() {
  const store = useStore();
  const rule = useComputed(() => {
    const { limits, range } = store.window.value;
    return range === "manual" ? "manual" : limits;
  }).value;
  const level = useComputed(() => store.window.value.autoLevel).value;
  const choose = (limits: "minmax" | "symmetric") => {
    const { range } = store.window.peek();
    setWindow(store, {
      limits,
      range: range === "manual" ? "channel" : range,
      brightness: 0,
      contrast: 0,
    });
  };
  return (
    <div class="rules">
      <Button
        label="Auto"
        pressed={rule === "auto"}
        title={`Limits from the histogram; each press clips tighter (${level + 1} of ${AUTO_LEVELS})`}
        onClick={() => pressAuto(store)}
      />
      <Button
        label="Min–max"
        pressed={rule === "minmax"}
        title="Limits at the smallest and the largest value"
        onClick={() => choose("minmax")}
      />
      <Button
        label="About 0"
        pressed={rule === "symmetric"}
        title="Limits symmetric about zero, diverging colours"
        onClick={() => choose("symmetric")}
      />
      <Button label="Reset" title="Back to the first limits" onClick={() => resetWindow(store)} />
    </div>
  );
}

const SCOPES = [
  { value: "channel", text: "Channel" },
  { value: "layer", text: "Layer" },
  { value: "manual", text: "Manual" },
] as const;

/** What the limits are taken from: each channel or the layer; this step or all. */
function Scope() {
  const store = useStore();
  const range = useComputed(() => store.shown.value?.range ?? store.window.value.range).value;
  const joint = range !== store.window.value.range;
  const lock = useComputed(() => store.window.value.lockSteps).value;
  const change = (next: RangeScope) => {
    const selected = selectedOf(store);
    const window = store.window.peek();
    if (next !== "manual" || !selected) {
      setWindow(store, { range: next });
      return;
    }
    const manual = changeToLimits({ ...window, range: "manual" }, selected, selected.limits);
    setWindow(store, { range: "manual", ...manual });
  };
  return (
    <div class="pair">
      <Select
        label="Range"
        shown
        value={range}
        choices={joint ? SCOPES.slice(1) : SCOPES}
        onChange={(next) => change(next as RangeScope)}
      />
      <Checkbox
        label="Lock over steps"
        checked={lock}
        title="One window for all steps, from the statistics of every step"
        onChange={(lockSteps) => setWindow(store, { lockSteps })}
      />
    </div>
  );
}

const MAP_NAMES: Record<ColormapName, string> = {
  viridis: "Viridis",
  grey: "Grey",
  RdBu: "Red–blue",
  inferno: "Inferno",
  magma: "Magma",
  colour: "Colour (RGB)",
};

function Maps() {
  const store = useStore();
  const open = useSignal(false);
  const chosen = useComputed(() => store.window.value.colormap).value;
  const inForce = useComputed(() => store.shown.value?.colormap ?? "viridis").value;
  const rgb = useComputed(
    () => store.view.value?.kind === "input" && holdsColours(store.view.value),
  ).value;
  const maps = COLORMAPS.filter((name) => name !== "colour" || rgb);
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const close = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open.peek()) return;
    event.stopPropagation();
    open.value = false;
    button.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what is open, from any control in it
    <div onKeyDown={close}>
      <div class="pair">
        <Select
          label="Colormap"
          shown
          value={chosen ?? ""}
          choices={[
            { value: "", text: `By data: ${MAP_NAMES[inForce]}` },
            ...maps.map((name) => ({ value: name, text: MAP_NAMES[name] })),
          ]}
          onChange={(name) => {
            setWindow(store, { colormap: maps.find((map) => map === name) ?? null });
          }}
        />
        <button
          ref={button}
          type="button"
          class="button more"
          aria-expanded={open.value}
          aria-controls={id}
          onClick={() => {
            open.value = !open.value;
          }}
        >
          More
        </button>
      </div>
      <div id={id} class="rarely" hidden={!open.value}>
        {open.value && <More />}
      </div>
    </div>
  );
}

function More() {
  const store = useStore();
  const gamma = useComputed(() => store.window.value.gamma);
  const { invert, linearCounts, markClipped } = store.window.value;
  return (
    <>
      <Slider
        label="Gamma"
        min={0.1}
        max={3}
        step={0.01}
        value={gamma}
        initial={1}
        format={(value) => value.toFixed(2)}
        onInput={(next) => setWindow(store, { gamma: next })}
      />
      <div class="checks">
        <Checkbox
          label="Invert"
          checked={invert}
          onChange={(on) => setWindow(store, { invert: on })}
        />
        <Checkbox
          label="Linear counts"
          title="Histogram heights by plain counts, not their logarithm"
          checked={linearCounts}
          onChange={(on) => setWindow(store, { linearCounts: on })}
        />
        <Checkbox
          label="Mark clipped"
          title="Colours for values below and above the limits (o)"
          checked={markClipped}
          onChange={(on) => setWindow(store, { markClipped: on })}
        />
      </div>
    </>
  );
}
