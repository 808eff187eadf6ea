/** One statistic of the selected channel over all steps; a click on a point goes to its step. */
import { useComputed, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { ready, type StatName, type StatsTable } from "../../data/answers";
import { nameOf } from "../../data/channels";
import { formatValue } from "../../render/format";
import { goToStep } from "../../state/actions";
import { type ExtraRow, hasSpread } from "../../state/extras";
import { useSelected } from "../../state/selected";
import { useStore } from "../../state/store";
import { Trouble } from "../Guard";
import {
  bandOf,
  nearestPoint,
  pathOf,
  type Series,
  seriesFrom,
  seriesOf,
  xOf,
  yOf,
} from "./series";

const HEIGHT = 44;
const PAD = 6;
const MOST_DOTS = 60;
/** Of the quantiles: 5 to 95 %, and the middle half. */
const BANDS = [
  [0, 4],
  [1, 3],
] as const;

interface ChartProps {
  readonly stat: StatName | ExtraRow;
  readonly width: number;
}

export function Chart({ stat, width }: ChartProps) {
  const store = useStore();
  const selected = useSelected(store);
  const near = useSignal<number | null>(null);
  const id = useComputed(() => selected.value?.id ?? null).value;
  const view = store.view.value;
  const stats = store.stats.value;
  const mine = stats && stats.tag === view?.tag && stats.run === view.run ? stats : null;
  const series = useMemo(() => seriesFor(stat, mine, id), [mine, id, stat]);
  const what = typeof stat === "string" ? stat : stat.name;
  const step = useComputed(() => store.view.value?.info.step ?? null).value;
  const count = useComputed(() => ready(store.stepIndex.value)?.steps.length ?? 0).value;
  if (!series || series.steps.length === 0 || id === null) {
    const reason = store.failures.value.statistics;
    if (reason !== undefined) return <Trouble text={`No statistics: ${reason}`} />;
    return <p class="chart-empty">Statistics over steps are loading.</p>;
  }
  const all = typeof stat !== "string" ? stat.count : stats?.complete ? 0 : count;
  const box = { width, height: HEIGHT, pad: PAD };
  const pointAt = (event: MouseEvent): number => {
    const { left } = (event.currentTarget as Element).getBoundingClientRect();
    return nearestPoint(series, event.clientX - left, box);
  };
  const now = step === null ? -1 : series.steps.indexOf(step);
  const said = near.value !== null && near.value < series.steps.length ? near.value : now;
  return (
    <figure class="chart">
      <figcaption>
        <span class="ellipsis">{`${what}${spanOf(series.steps.length, all)}`}</span>
        {!series.quantiles && hasSpread(store) && (
          <button
            type="button"
            class="link"
            title="Median, middle half and 5 to 95 % of the values that the film shows"
            onClick={() => {
              store.chart.value = "quantiles";
            }}
          >
            quantiles
          </button>
        )}
        <span class="numbers">{caption(series, said, what, view?.info.whole ?? false)}</span>
      </figcaption>
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={`${what} of ${selected.value?.name ?? nameOf(id)} over steps`}
        onPointerMove={(event) => {
          near.value = pointAt(event);
        }}
        onPointerLeave={() => {
          near.value = null;
        }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrows move along the points
        tabIndex={0}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          const next = by === undefined ? undefined : series.steps[now + by];
          if (next === undefined) return;
          event.preventDefault();
          goToStep(store, next);
        }}
        onClick={(event) => goToStep(store, series.steps[pointAt(event)] as number)}
      >
        {now >= 0 && (
          <line
            class="now"
            x1={xOf(series, now, box)}
            x2={xOf(series, now, box)}
            y1="0"
            y2={HEIGHT}
          />
        )}
        {(series.quantiles ? BANDS : []).map((band) => (
          <path key={band[0]} class="band" d={bandOf(series, band, box)} />
        ))}
        <path d={pathOf(series, box)} />
        <Dots series={series} width={width} now={now} near={near.value} />
      </svg>
    </figure>
  );
}

function seriesFor(
  stat: StatName | ExtraRow,
  table: StatsTable | null,
  id: number | null,
): Series | null {
  if (typeof stat !== "string") {
    const { steps, values, quantiles } = stat;
    if (!quantiles) return seriesFrom(steps, values);
    const { range } = seriesFrom(steps, Float64Array.from(quantiles.flat()));
    return { steps, values, quantiles, range };
  }
  return table && id !== null ? seriesOf(table, id, stat) : null;
}

/** As ", 8 steps", or " at 240 of 100000 steps" where some stand for all. */
function spanOf(shown: number, count: number): string {
  const steps = (n: number) => `${n} ${n === 1 ? "step" : "steps"}`;
  return count > shown ? ` at ${shown} of ${steps(count)}` : `, ${steps(shown)}`;
}

function caption(series: Series, i: number, what: string, whole: boolean): string {
  if (i < 0) return "";
  const [lo, hi] = series.range ?? [0, 0];
  const reach = Math.max(Math.abs(lo), Math.abs(hi));
  const of = series.quantiles?.[i]?.filter((_, q) => q % 2 === 0) ?? [series.values[i]!];
  const counted = what === "nonfinite" || (whole && /^(min|max|quantiles)$/.test(what));
  const digits = counted ? 0 : series.quantiles ? 3 : 4;
  return `step ${series.steps[i]}: ${of.map((v) => formatValue(v, reach, digits)).join(" · ")}`;
}

function Dots(props: { series: Series; width: number; now: number; near: number | null }) {
  const { series, width, now, near } = props;
  const box = { width, height: HEIGHT, pad: PAD };
  const crowded = series.steps.length > MOST_DOTS;
  return (
    <>
      {series.steps.map((step, i) => {
        const y = yOf(series, i, box);
        const x = xOf(series, i, box);
        if (Number.isNaN(y)) {
          return (
            <text key={step} class="missing" x={x} y={HEIGHT - 1} text-anchor="middle">
              ×
            </text>
          );
        }
        const large = i === now || i === near;
        if (crowded && !large) return null;
        return (
          <circle key={step} class={i === now ? "here" : ""} cx={x} cy={y} r={large ? 3.5 : 2} />
        );
      })}
    </>
  );
}
