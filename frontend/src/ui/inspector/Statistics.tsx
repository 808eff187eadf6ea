/** What is known of the selected channel over the whole batch; a press charts it over steps. */
import { useComputed } from "@preact/signals";
import { useId } from "preact/hooks";
import { STAT_NAMES, type StatName } from "../../data/answers";
import type { Extra } from "../../data/choices";
import { examplesText, statRow } from "../../data/statistics";
import { formatShare, formatValue } from "../../render/format";
import type { ExtraRow } from "../../state/extras";
import { useSelected } from "../../state/selected";
import { useStore } from "../../state/store";

const WORDS: Record<StatName, string> = {
  min: "min",
  max: "max",
  mean: "mean",
  std: "std",
  zeros: "zeros",
  nonfinite: "non-finite",
};

function statText(name: StatName, value: number, reach: number, whole: boolean): string {
  if (name === "zeros") return formatShare(value);
  if (name === "nonfinite") return String(value);
  return formatValue(value, reach, whole && (name === "min" || name === "max") ? 0 : 4);
}

interface StatisticsProps {
  readonly chosen: StatName | Extra;
  readonly extras: readonly ExtraRow[];
  readonly onChoose: (name: StatName | Extra) => void;
}

export function Statistics(props: StatisticsProps) {
  const store = useStore();
  const selected = useSelected(store);
  const row = useComputed(() => {
    const stats = store.statsAt.value;
    const id = selected.value?.id;
    if (!stats || id === undefined) return null;
    return statRow(stats, id);
  }).value;
  const unknown = store.failures.value.statistics === undefined ? "…" : "–";
  const heading = useId();
  const whole = useComputed(() => store.view.value?.info.whole ?? false).value;
  const batch = useComputed(() => store.view.value?.info.batch ?? 1).value;
  // Those of a class itself, where it is contrasted with another.
  const of = selected.value?.name.match(/^.*(?= − )/)?.[0].replace(/^/, " of ") ?? "";
  const reach = row ? Math.max(Math.abs(row[0] as number), Math.abs(row[1] as number)) : 1;
  return (
    <div class="statistics" role="group" aria-labelledby={heading}>
      <h3 id={heading}>{`Statistics${of}, ${examplesText(batch)}`}</h3>
      {STAT_NAMES.map((name, i) => (
        <button
          key={name}
          type="button"
          aria-pressed={props.chosen === name}
          title={`Chart ${WORDS[name]} over steps`}
          onClick={() => props.onChoose(name)}
        >
          <span>{WORDS[name]}</span>
          <b class={name === "nonfinite" && row && (row[i] as number) > 0 ? "bad" : ""}>
            {row?.length ? statText(name, row[i] as number, reach, whole) : unknown}
          </b>
        </button>
      ))}
      {props.extras
        .filter(({ quantiles }) => !quantiles)
        .map(({ name, title, text }) => (
          <button
            key={name}
            type="button"
            aria-pressed={props.chosen === name}
            title={`${title}; charted over steps`}
            onClick={() => props.onChoose(name)}
          >
            <span>{name === "probability" ? "prob." : name}</span>
            <b>{text}</b>
          </button>
        ))}
    </div>
  );
}
