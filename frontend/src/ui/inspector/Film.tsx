/** The selected channel at up to 12 steps, all under the window of the step shown. */
import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { RGB } from "../../data/channels";
import { drawLines, inkOf } from "../../render/lines";
import { startCanvas } from "../../render/signalRow";
import { paintCanvas } from "../../render/strip";
import { affineOf } from "../../render/window";
import { goToStep, selectRun } from "../../state/actions";
import { usePaint } from "../../state/paint";
import { useSelected } from "../../state/selected";
import type { FilmFrame, RunFilm } from "../../state/signals";
import { useStore } from "../../state/store";
import { Trouble } from "../Guard";
import { reduction } from "./picture";
import { thumbSize } from "./viewport";

/** All frames stand in a row as wide as the column, as long as they need not be smaller by more. */
const ROOM = 268;
const BORDER = 5;
const LEEWAY = 19;

/** The film; while all runs are compared a row for each of them. */
export function Film({ size }: { size: number }) {
  const store = useStore();
  const films = store.runFilms.value;
  const frames = store.film.value;
  const reason = store.failures.value.film;
  if (reason !== undefined) return <Trouble text={`No film: ${reason}`} />;
  if (films.length > 0) return <RunFilms films={films} size={size} />;
  // Frames are of the layer itself, and have no place under the limits of a difference.
  if (frames.length < 2 || store.isDifference.value) return null;
  return <Frames label="Film" frames={frames} size={size} run={null} />;
}

/** Brought into sight: they were asked for far from here. */
function RunFilms({ films, size }: { films: readonly RunFilm[]; size: number }) {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => root.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div ref={root}>
      {films.map((one) => (
        <RunRow key={one.run} film={one} size={size} />
      ))}
    </div>
  );
}

function RunRow({ film: { run, frames }, size }: { film: RunFilm; size: number }) {
  return (
    <div>
      <p class="runfilm" title={run}>
        {run}
        {frames.length === 0 && <span class="muted"> does not hold this channel and example</span>}
      </p>
      <Frames label={`Film of ${run}`} frames={frames} size={size} run={run} />
    </div>
  );
}

interface FramesProps {
  readonly label: string;
  readonly frames: readonly FilmFrame[];
  readonly size: number;
  /** Where they are of another run than the one shown a press goes there. */
  readonly run: string | null;
}

function Frames({ label, frames, size, run }: FramesProps) {
  const store = useStore();
  const step = useComputed(() => {
    const view = store.view.value;
    return view && (run === null || run === view.run) ? view.info.step : null;
  }).value;
  const fit = Math.min(size, Math.max(size - LEEWAY, Math.floor(ROOM / frames.length) - BORDER));
  const current = frames.findIndex((frame) => frame.step === step);
  const keyed = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const all = [...(event.currentTarget as Element).querySelectorAll("button")];
    const next = all[all.indexOf(event.target as HTMLButtonElement) + by];
    if (by === 0 || !next) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <div class="film" role="group" aria-label={label} onKeyDown={keyed}>
      {frames.map((frame, i) => (
        <button
          key={frame.step}
          type="button"
          tabIndex={i === Math.max(0, current) ? 0 : -1}
          aria-label={`Step ${frame.step}`}
          aria-current={frame.step === step ? "step" : undefined}
          title={`Step ${frame.step}`}
          onClick={() => {
            if (run !== null && run !== store.run.peek()) selectRun(store, run);
            goToStep(store, frame.step);
          }}
        >
          <Frame frame={frame} size={fit} />
        </button>
      ))}
    </div>
  );
}

function Frame({ frame, size }: { frame: FilmFrame; size: number }) {
  const store = useStore();
  const selected = useSelected(store);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { source } = frame;
  usePaint(() => {
    const at = selected.value;
    if (!canvas.current || !source || !at) return;
    const { width, height, scale } = source.stack;
    if (store.lines.value) {
      const box = { width: size, height: Math.round((size * 2) / 3) };
      const context = startCanvas(canvas.current, box);
      const course = { source, plane: Math.max(0, frame.plane) };
      if (context)
        drawLines(context, [course], box, at.limits, inkOf(canvas.current), at.shown.colormap);
      void store.dark.value;
      return;
    }
    const css = thumbSize(width, height, size);
    canvas.current.style.width = `${css.width}px`;
    canvas.current.style.height = `${css.height}px`;
    const pixels = Math.max(css.width, css.height) * (window.devicePixelRatio || 1);
    const reduce = reduction(width, height, pixels);
    const plane = at.position === RGB && source.stack.planes === 3 ? RGB : Math.max(0, frame.plane);
    paintCanvas(canvas.current, source, plane, affineOf(at.limits, scale), at.shown.lut, reduce);
  }, [selected, frame, size]);
  return <canvas ref={canvas} class={source ? "" : "waiting"} aria-hidden="true" />;
}
