/** One example of an input, small: a picture, a signal as lines, a vector as a small matrix. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { TileSource } from "../../render/planes";
import { formOf, isLines, isRow, linesOf, pictureOf } from "../../render/sample";
import { inputPicture, painted, reduction } from "./picture";
import { thumbSize } from "./viewport";

interface SampleProps {
  readonly source: TileSource;
  /** CSS pixels, at most so many a side. */
  readonly size: number;
  /** Names it for a screen reader; null where it only repeats another one. */
  readonly label: string | null;
}

/** A course is wider than high. */
const SIGNAL = 2 / 3;
const ROW = 1 / 4;

export function Sample(props: SampleProps) {
  return isLines(props.source) ? <Lines {...props} /> : <Painted {...props} />;
}

function named(label: string | null) {
  return label === null
    ? ({ "aria-hidden": true } as const)
    : ({ role: "img", "aria-label": label } as const);
}

function Lines({ source, size, label }: SampleProps) {
  const height = Math.round(size * SIGNAL);
  const lines = useMemo(() => linesOf(source, size, height), [source, size, height]);
  return (
    <span {...named(label)}>
      <svg class="sample" width={size} height={height} aria-hidden="true">
        {lines.map(({ path, marks }, i) => (
          <g key={i}>
            <path class="nonfinite" d={marks.join("")} />
            <path d={path} />
          </g>
        ))}
      </svg>
    </span>
  );
}

/** Whole multiples of its size where it has two sides of its own. */
function Painted({ source, size, label }: SampleProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) paint(canvas.current, source, size);
  }, [source, size]);
  return (
    <canvas
      ref={canvas}
      class={isRow(source.stack) ? "signal" : formOf(source.stack)}
      {...named(label)}
    />
  );
}

function paint(canvas: HTMLCanvasElement, source: TileSource, size: number): void {
  const picture = pictureOf(source);
  const { width, height } = picture.stack;
  const share = isRow(source.stack) ? ROW : formOf(source.stack) === "signal" && SIGNAL;
  const css = share
    ? { width: size, height: Math.round(size * share) }
    : thumbSize(width, height, size);
  canvas.style.width = `${css.width}px`;
  canvas.style.height = `${css.height}px`;
  const pixels = Math.max(css.width, css.height) * (window.devicePixelRatio || 1);
  const reduce = reduction(width, height, pixels);
  painted(canvas, { ...inputPicture(source), source: picture }, reduce);
  if (formOf(source.stack) !== "vector") return;
  // Behind the last value there is none.
  const last = source.stack.planes - width * (height - 1);
  const [x, y] = [Math.ceil(last / reduce), Math.floor((height - 1) / reduce)];
  canvas.getContext("2d")?.clearRect(x, y, width, 1);
}
