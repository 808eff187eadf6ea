/** The selected channel: enlarged, with its input, statistics, course over steps and film. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { STAT_NAMES } from "../../data/answers";
import { RGB } from "../../data/channels";
import { examplesText, statRow } from "../../data/statistics";
import { subjectOf } from "../../data/view";
import { formatValue } from "../../render/format";
import { valueShown } from "../../state/caption";
import { extrasOf } from "../../state/extras";
import { headingOf, useSelected } from "../../state/selected";
import { useStore } from "../../state/store";
import { zeroText } from "../../state/stored";
import { Guard } from "../Guard";
import { CarriedMap } from "./CarriedMap";
import { Chart } from "./Chart";
import { Enlarged } from "./Enlarged";
import { Film } from "./Film";
import { Firing } from "./Firing";
import { InputPicture } from "./InputPicture";
import { Statistics } from "./Statistics";

/** Content this wide, in a window this high, has room for the larger pictures. */
const WIDE = 320;
const HIGH = 940;
/** The enlarged tile's buttons and their gap. */
const TOOLS = 36;

export function Inspector() {
  const store = useStore();
  const root = useRef<HTMLElement>(null);
  const width = useWidthOf(root);
  const extras = useComputed(() => extrasOf(store)).value;
  const extra = extras.find(({ name }) => name === store.chart.value);
  const stat = STAT_NAMES.find((name) => name === store.chart.value) ?? "max";
  const nothing = useComputed(() => store.shown.value === null).value;
  const wide = useHigh() && width >= WIDE;
  return (
    <section class="inspector" aria-label="Channel inspector" ref={root}>
      {!nothing && width > 0 && (
        <>
          <Title />
          <Guard name="enlarged tile">
            <Enlarged size={wide ? Math.min(320, width - TOOLS) : 224} />
          </Guard>
          <div class="beside">
            <div>
              <Guard name="input">
                <InputPicture size={72} label={null} />
              </Guard>
              <Guard name="attribution">
                <CarriedMap />
              </Guard>
            </div>
            <Guard name="statistics">
              <Statistics
                chosen={extra?.name ?? stat}
                extras={extras}
                onChoose={(name) => {
                  store.chart.value = name;
                }}
              />
            </Guard>
          </div>
          <Guard name="chart">
            <Chart stat={extra ?? stat} width={width} />
          </Guard>
          <Guard name="largest examples">
            <Firing />
          </Guard>
          <Guard name="film">
            <Film size={wide ? 50 : 36} />
          </Guard>
        </>
      )}
    </section>
  );
}

function useWidthOf(root: { readonly current: HTMLElement | null }): number {
  const width = useSignal(0);
  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      // A hidden tab has no width; what was measured before still holds.
      if (entry && entry.contentRect.width > 0) width.value = Math.floor(entry.contentRect.width);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [root, width]);
  return width.value;
}

/** Whether the window is high, also once its height alone has changed. */
function useHigh(): boolean {
  const high = useSignal(window.innerHeight >= HIGH);
  useEffect(() => {
    const read = () => {
      high.value = window.innerHeight >= HIGH;
    };
    window.addEventListener("resize", read);
    return () => window.removeEventListener("resize", read);
  }, [high]);
  return high.value;
}

/** The channel's id, what is wrong with it and the evidence, the value at the marked pixel. */
function Title() {
  const store = useStore();
  const selected = useSelected(store);
  const state = useComputed(() => {
    const at = selected.value;
    const stats = store.statsAt.value;
    const view = store.view.value;
    if (!at || !view) return "";
    if (store.isDifference.value) return at.shown.source.silent(at.position) ? "no difference" : "";
    const row = stats && statRow(stats, at.id);
    const whole = examplesText(view.info.batch);
    if (row?.[4] === 1) return `dead: zero in ${whole}`;
    if (at.shown.source.silent(at.position)) {
      const zero = zeroText(store, at.position);
      const what = zero === "0" ? "silent" : zero;
      return `${what} in ${subjectOf(view)}`;
    }
    if (row && row[0] === row[1] && row[5] === 0) return `constant in ${whole}`;
    const bad = at.shown.source.nonfinite(at.position);
    return bad > 0 ? `${bad} non-finite here` : "";
  });
  const value = useComputed(() => {
    const at = selected.value;
    const pixel = store.hover.value?.pixel ?? store.pixel.value;
    if (!at || !pixel) return "";
    const { lo, hi } = at.limits;
    const digits = at.shown.source.digits(at.position === RGB ? 3 : 5);
    const zero = zeroText(store, at.position);
    const view = store.view.value;
    if (view?.kind === "attribution") {
      return formatValue(valueShown(store, view, at.position, pixel), hi, digits, zero);
    }
    return at.shown.source
      .values(at.position, pixel.x, pixel.y)
      .map((value) => formatValue(value, Math.max(Math.abs(lo), Math.abs(hi)), digits, zero))
      .join(" ");
  });
  return (
    <header>
      <h2>{headingOf(selected.value)}</h2>
      <b class="value">{value}</b>
      <span class="state" title={state}>
        {state}
      </span>
    </header>
  );
}
