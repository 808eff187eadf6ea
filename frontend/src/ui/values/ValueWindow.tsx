/** The panel `Values`: which true values the colours stand for, and how to move that. */
import { useComputed } from "@preact/signals";
import type { RangeScope } from "../../data/choices";
import { AUTO_LEVELS } from "../../render/autoLimits";
import { formatValue } from "../../render/format";
import { pressAuto, resetWindow, setWindow } from "../../state/actions";
import { selectedOf } from "../../state/selected";
import { type Store, useStore } from "../../state/store";
import { coarseness, zeroText } from "../../state/stored";
import { Button, Checkbox, Select, Slider } from "../controls";
import { Colormap } from "./Colormap";
import { changeToLimits } from "./ends";
import { Histogram } from "./Histogram";
import { Limits } from "./Limits";
import { Marks } from "./Marks";

export function ValueWindow() {
  return (
    <section class="values" aria-label="Values">
      <Title />
      <Histogram />
      <Limits />
      <Marks />
      <Brightness />
      <Amount name="Contrast" field="contrast" />
      <Rules />
      <Scope />
      <Colormap />
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
    const whose = selected.shown.signed
      ? MAPS[range]
      : range === "channel"
        ? selected.name
        : "all channels";
    const steps = selected.shown.signed ? mapSteps(store) : statisticSteps(store);
    const over = lockSteps ? `, ${steps} steps` : selected.shown.other ? ", both sides" : "";
    const log = selected.limits.log ? ", log" : "";
    const scope = (range === "manual" ? whose : whose + over) + log;
    if (selected.only === null) return scope;
    // What the statistics know better than what is stored is not said to be all one value.
    const zero = zeroText(store, selected.position);
    if (selected.only === 0 && zero !== "0") return `${scope}: all values ${zero}`;
    const coarse = coarseness(store, selected.position) !== null;
    return `${scope}: ${onlyText(selected.only, coarse ? "all stored as" : "all values")}`;
  });
  return (
    <header>
      <h2>Values</h2>
      <span class="scope">{scope}</span>
    </header>
  );
}

/** Whose limits those of an attribution are. */
const MAPS = { channel: "this example", layer: "all examples", manual: "all maps" } as const;

/** Over how many steps the limits reach. */
function statisticSteps({ stats }: Store): string {
  const table = stats.value;
  return table && !table.complete ? String(table.steps.length) : "all";
}

function mapSteps({ overSteps }: Store): string {
  const { steps = 0, count = 0 } = overSteps.value ?? {};
  return steps < count ? `${steps} of ${count}` : "all";
}

function onlyText(only: number, all: string): string {
  if (Number.isNaN(only)) return "no finite value";
  return `${all} ${Number(formatValue(only, Math.abs(only)))}`;
}

/** Not of an attribution, whose middle is zero. */
function Brightness() {
  const store = useStore();
  const signed = useComputed(() => store.shown.value?.signed ?? false).value;
  return signed ? null : <Amount name="Brightness" field="brightness" />;
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
  const signed = useComputed(() => store.shown.value?.signed ?? false).value;
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
        title={
          signed
            ? `${100 - 0.5 * 2 ** level} % of the magnitudes are within; each press clips tighter`
            : `Limits from the histogram; each press clips tighter (${level + 1} of ${AUTO_LEVELS})`
        }
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
const MAP_SCOPES = [
  { value: "channel", text: "Example" },
  { value: "layer", text: "Step" },
  { value: "manual", text: "Manual" },
] as const;

/** What the limits are taken from: each channel or the layer; this step or all. */
function Scope() {
  const store = useStore();
  const range = useComputed(() => store.shown.value?.range ?? store.window.value.range).value;
  const joint = range !== store.window.value.range;
  const lock = useComputed(() => store.window.value.lockSteps).value;
  const signed = useComputed(() => store.shown.value?.signed ?? false).value;
  const scopes = signed ? MAP_SCOPES : SCOPES;
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
        choices={joint ? scopes.slice(1) : scopes}
        onChange={(next) => change(next as RangeScope)}
      />
      <Checkbox
        label="Lock over steps"
        checked={lock}
        title={
          signed
            ? "One bound for all steps: the largest of theirs"
            : "One window for all steps, from the statistics of every step"
        }
        onChange={(lockSteps) => setWindow(store, { lockSteps })}
      />
    </div>
  );
}
