/** Every state of every component: an id, a heading, what it looks at, how much room it has. */
import { signal } from "@preact/signals";
import type { ComponentChild } from "preact";
import { say } from "../src/state/notices";
import { App } from "../src/ui/App";
import { Button, Checkbox, CopyButton, Segments, Select, Slider } from "../src/ui/controls";
import { Divider } from "../src/ui/Divider";
import { Grid } from "../src/ui/grid/Grid";
import { Matrix } from "../src/ui/grid/Matrix";
import { Signals } from "../src/ui/grid/Signals";
import { Inspector } from "../src/ui/inspector/Inspector";
import { LayerBar } from "../src/ui/LayerBar";
import { MapGrid } from "../src/ui/maps/MapGrid";
import { Narrow } from "../src/ui/Narrow";
import { Notices } from "../src/ui/Notices";
import { Health } from "../src/ui/overview/Health";
import { InputCard } from "../src/ui/overview/InputCard";
import { Layers } from "../src/ui/overview/LayerTree";
import { Runs } from "../src/ui/overview/Runs";
import { StatusLine } from "../src/ui/StatusLine";
import { StepBar } from "../src/ui/StepBar";
import { ValueWindow } from "../src/ui/values/ValueWindow";
import type { View } from "./views";
import * as views from "./views";

export interface State {
  readonly id: string;
  readonly title: string;
  readonly of: View;
  /** Where it stands in the dashboard, which gives it its width and ground. */
  readonly place: "page" | "left" | "middle" | "right";
  /** CSS pixels; 0: as high as it is. */
  readonly height: number;
  readonly show: () => ComponentChild;
  /** What a viewer does first, once the values are here. */
  readonly act?: (frame: HTMLElement) => void;
}

type Act = State["act"];
const nothing = () => {};
const copyLink = async () => "Link copied";

const app = () => <App onRetry={nothing} copyLink={copyLink} />;
const stepBar = () => (
  <StepBar drawer={false} onDrawer={nothing} copyLink={copyLink}>
    <Notices onRetry={nothing} />
  </StepBar>
);

function page(id: string, title: string, of: View, height = 240): State {
  return { id: `app-${id}`, title: `Dashboard, ${title}`, of, place: "page", height, show: app };
}

function states(
  place: State["place"],
  name: string,
  show: State["show"],
  height: number,
  all: Readonly<Record<string, readonly [title: string, of: View, height?: number, act?: Act]>>,
): readonly State[] {
  return Object.entries(all).map(([id, [title, of, own, act]]) => ({
    ...{ id: `${name}-${id}`, title: `${title[0]!.toUpperCase()}${title.slice(1)}`, of, place },
    ...{ height: own ?? height, show },
    ...(act && { act }),
  }));
}

const press = (selector: string) => (frame: HTMLElement) =>
  frame.querySelector<HTMLElement>(selector)!.click();
const pressNamed = (name: string) => (frame: HTMLElement) =>
  [...frame.querySelectorAll("button")].find(({ textContent }) => textContent === name)!.click();

/** Beside all others, not over them. */
function openKeys(frame: HTMLElement): void {
  frame.querySelector<HTMLElement>("[title='Keyboard (?)']")!.click();
  const sheet = frame.querySelector("dialog")!;
  sheet.close();
  sheet.show();
}

/** Everything that is said under the step bar at once. */
function saySome(): void {
  const { store } = views.linked;
  say(store, "connection", "TensorBoard does not answer (status 502). It is asked again in 4 s.");
}

/** The pointer on a pixel. */
function point(): void {
  views.pointed.store.pointed.value = { position: 4, pixel: { x: 3, y: 20, z: 0 } };
}

export const STATES: readonly State[] = [
  page("loading", "while the log is being read", views.loading),
  page("empty", "nothing logged", views.empty),
  page("error", "the log could not be read", views.failed),
  page("whole", "a convolution", views.conv, 900),
  page("no-values", "a record without values", views.noValues, 420),
  ...states(
    "left",
    "runs",
    () => (
      <div class="section runbox">
        <Runs />
      </div>
    ),
    0,
    {
      few: ["a select for a few runs", views.conv],
      many: ["a list for many, closed", views.closedRuns],
      open: ["a list for many, open", views.manyRuns, 420, press("button")],
    },
  ),
  ...states("left", "input", () => <InputCard />, 0, {
    colour: ["input in colour, no classifier", views.sound],
    right: ["input and a right answer", views.conv],
    wrong: ["input and a wrong answer", views.scores],
    pooled: ["the mean of the examples", views.pooled],
    volume: ["a volume", views.volumeInput],
    vector: ["a vector", views.vectorInput],
    none: ["no input logged", views.noInput],
    failed: ["no answer to be had", views.damaged],
  }),
  ...states("left", "health", () => <Health />, 0, {
    sound: ["nothing wrong", views.sound],
    broken: ["dead, constant and not finite", views.broken],
    failed: ["not to be had", views.unknown],
  }),
  ...states("left", "layers", () => <Layers />, 420, {
    tree: ["layers by folder, with strips", views.conv],
    found: ["layers found by a search", views.found],
    none: ["no layer found", views.notFound],
    bare: ["layers of which nothing but names is known", views.unknown],
  }),
  ...states("left", "narrow", () => <Narrow />, 0, {
    column: ["the left column of a narrow window", views.conv],
  }),
  ...states("middle", "steps", stepBar, 0, {
    many: ["steps to slide over", views.signed],
    one: ["one step alone", views.oneStep],
    reading: ["the log is still being read", views.reading],
    sampled: ["TensorBoard sampled the steps", views.sampled],
    compare: ["compared with the first step", views.beside],
    runs: ["compared with all runs", views.runsBeside],
    notices: ["a link to what is gone, and no connection", views.linked, 0, saySome],
    export: ["export, open", views.signed, 320, pressNamed("Export")],
  }),
  ...states("middle", "bar", () => <LayerBar />, 0, {
    conv: ["what is shown of a convolution", views.conv],
    filtered: ["a filter, a sort, a search", views.layerRange],
    volume: ["of a volume, with its depth", views.volume],
    signal: ["of a signal, as lines", views.lines],
    dense: ["of a dense layer", views.dense],
    maps: ["of an attribution", views.maps],
    over: ["of an attribution over its input", views.overInput],
    coarse: ["of coarse maps that fail the check", views.coarse],
    "no-scores": ["no scores to be had", views.noScores],
  }),
  ...states("middle", "grid", () => <Grid />, 330, {
    conv: ["tiles: dead, constant, silent", views.conv],
    signed: ["both signs", views.signed],
    nan: ["NaN and infinities", views.broken],
    colour: ["three channels as one colour picture", views.colour],
    single: ["one channel", views.single, 560],
    many: ["300 channels, strongest first", views.many],
    volume: ["a slice of a volume", views.volume],
    counts: ["whole numbers", views.counts],
    range: ["one range for the layer, clipped marked, one pinned", views.layerRange],
    manual: ["typed limits, gamma, another colormap", views.manual],
    pooled: ["the mean of the examples", views.pooled],
    attention: ["attention scores", views.attention],
    beside: ["beside the first step", views.beside],
    difference: ["minus the first step", views.difference],
    none: ["no channel passes the filter", views.filtered],
    waiting: ["values on their way", views.waiting],
  }),
  ...states("middle", "matrix", () => <Matrix />, 260, {
    dense: ["examples by channels", views.dense],
    scores: ["classes by name", views.scores],
    wide: ["4096 channels", views.wide, 130],
    classes: ["1000 classes, by the logarithm", views.classes, 130],
    beside: ["one under the other", views.denseBeside],
  }),
  ...states("middle", "signals", () => <Signals />, 330, {
    lines: ["lines over time", views.lines],
    matrix: ["colours over time", views.signalMatrix],
    beside: ["over the first step", views.linesBeside],
  }),
  ...states("middle", "maps", () => <MapGrid />, 420, {
    signed: ["maps of three targets", views.maps],
    over: ["over the input", views.overInput],
    coarse: ["coarse, interpolated, not to be believed", views.coarse],
  }),
  ...states("right", "values", () => <ValueWindow />, 0, {
    auto: ["limits found, a range for each channel", views.conv],
    signed: ["about zero", views.signed],
    layer: ["a range for the layer, clipped", views.layerRange],
    manual: ["typed limits", views.manual],
    log: ["by the logarithm", views.classes],
    beside: ["with the other side's outline", views.beside],
    nan: ["not everything finite", views.broken],
    maps: ["of an attribution", views.maps],
    more: ["what is rarely wanted", views.dense, 0, pressNamed("More")],
  }),
  ...states("right", "inspector", () => <Inspector />, 0, {
    conv: ["a channel of a convolution", views.conv],
    dead: ["a dead channel", views.dead],
    nan: ["a channel with NaN", views.nan],
    colour: ["a colour picture", views.colour],
    zoomed: ["a part, over the input, quantiles", views.zoomed],
    volume: ["of a volume", views.volume],
    dense: ["of a dense layer", views.dense],
    signal: ["of a signal", views.lines],
    maps: ["a map", views.maps],
    difference: ["a difference", views.difference],
    runs: ["over all runs", views.runsBeside],
    failed: ["parts that could not be had", views.damaged],
  }),
  ...states("middle", "status", () => <StatusLine />, 28, {
    value: ["the value under the pointer", views.pointed, 28, point],
    none: ["nothing to say", views.loading],
  }),
  ...states("middle", "keyboard", () => <StatusLine />, 420, {
    sheet: ["the keys", views.conv, 420, openKeys],
  }),
  ...states("left", "divider", () => <Columns />, 60, {
    column: ["between the columns", views.conv],
  }),
  ...states("left", "controls", () => <Controls />, 0, {
    all: ["sliders, choices, buttons", views.conv],
  }),
  // Last, since it is one only as long as it has the focus.
  ...states("middle", "step", stepBar, 0, {
    typed: ["a step typed", views.many, 0, press(".stepno")],
  }),
];

function Columns() {
  return (
    <>
      <div class="left" style="width:200px;height:60px" />
      <Divider chosen={signal(200)} />
    </>
  );
}

function Controls() {
  const choices = ["first", "second"].map((value) => ({ value, text: `The ${value}` }));
  const of = { value: "second", choices, onChange: nothing };
  const half = { min: 0, max: 1, step: 0.01, value: signal(0.5), initial: 0, onInput: nothing };
  return (
    <div class="section" style="display:grid;gap:8px">
      <Slider label="A slider" {...half} format={(share) => share.toFixed(2)} />
      <Select label="A choice" shown {...of} />
      <Select label="No choice" shown disabled {...of} />
      <Segments label="Segments" {...of} />
      <Button label="A button" onClick={nothing} />
      <Button label="Pressed" pressed onClick={nothing} />
      <Button label="Not now" disabled onClick={nothing} />
      <Button label="Next" icon="next" onClick={nothing} />
      <Checkbox label="A box" checked onChange={nothing} />
      <CopyButton label="Copy" copy={copyLink} />
    </div>
  );
}
