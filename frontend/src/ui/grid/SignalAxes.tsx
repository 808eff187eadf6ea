/** Over the rows of a signal: the selected channel large with its axes, or the names of the positions. */
import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatSpan } from "../../render/format";
import { heightOf, ticksOf, tickTexts } from "../../render/lines";
import { usePaint } from "../../state/paint";
import { headingOf, useSelected } from "../../state/selected";
import { type Store, useStore } from "../../state/store";
import { LABELS } from "./matrixLayout";
import { drawChannel } from "./SignalRow";
import type { SignalLayout } from "./signalLayout";
import { stretchOf } from "./stretch";

const HEIGHT = 132;
/** Between two numbers of an axis, at least. */
const APART = { x: 64, y: 28 };

interface AxisProps {
  readonly layout: SignalLayout;
}

export function Large({ layout }: AxisProps) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const selected = useSelected(store);
  usePaint(() => {
    const size = { ...layout, height: HEIGHT };
    drawChannel(store, canvas.current, selected.value?.position, size);
  }, [store, selected, layout]);
  const at = selected.value;
  if (!at) return null;
  const { limits } = at;
  const ticks = ticksOf(limits, HEIGHT / APART.y);
  const texts = tickTexts(ticks, Math.max(Math.abs(limits.lo), Math.abs(limits.hi)));
  return (
    <div class="signalaxes large">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${headingOf(at)}, ${formatSpan(limits).join(" … ")}`}
        style={`left:${LABELS}px`}
      />
      {ticks.map((value, i) => (
        <span
          key={value}
          class="y"
          aria-hidden="true"
          style={`top:${heightOf(value, limits, HEIGHT)}px;width:${LABELS + layout.width}px`}
        >
          <b>{texts[i]}</b>
        </span>
      ))}
      <Along layout={layout} />
    </div>
  );
}

export function Positions({ layout }: AxisProps) {
  return (
    <div class="signalaxes">
      <Along layout={layout} />
    </div>
  );
}

/** Positions, and where the cursor or the mark is, through all rows. */
function Along({ layout }: AxisProps) {
  const store = useStore();
  const cursor = useRef<HTMLElement>(null);
  const { lines, cells, cell, reduce, width } = layout;
  const part = useComputed(() =>
    lines ? stretchOf(store) : { x: 0, width: cells * reduce },
  ).value;
  const xOf = (x: number) => LABELS + ((x + 0.5 - part.x) / part.width) * width;
  usePaint(() => {
    const x = markedAt(store);
    const mark = cursor.current;
    if (!mark) return;
    mark.hidden = x === null || x < part.x || x >= part.x + part.width;
    const wide = lines ? 1 : Math.max(cell, 3);
    mark.style.left = `${xOf(Math.floor((x ?? 0) / reduce) * reduce + (reduce - 1) / 2) - wide / 2}px`;
    mark.style.width = `${wide}px`;
  }, [layout, part]);
  const ticks = ticksOf({ lo: part.x, hi: part.x + part.width - 1 }, width / APART.x, 1);
  return (
    <>
      {ticks.map((x) => (
        <span key={x} class="x" aria-hidden="true" style={`left:${xOf(x)}px`}>
          {x}
        </span>
      ))}
      <i ref={cursor} class={`cursor ${lines ? "thin" : ""}`} />
    </>
  );
}

function markedAt(store: Store): number | null {
  return (store.hover.value?.pixel ?? store.pixel.value)?.x ?? null;
}
