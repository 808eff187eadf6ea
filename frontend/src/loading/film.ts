/** Fetches the film of the selected channel: its plane at up to twelve steps. */
import type { LayerView, StepInfo } from "../data/answers";
import { channelId, positionOf, RGB } from "../data/channels";
import type { TensorQuery } from "../data/client";
import { channelOf, holdsMaps, type ViewKey, viewOf, viewQuery } from "../data/view";
import { shaped } from "../render/maps";
import { sourceOf } from "../render/planes";
import { shapingOf } from "../state/attributed";
import { filmPositions } from "../state/choose";
import type { FilmFrame } from "../state/signals";
import type { Store } from "../state/store";
import { type Latest, SETTLE_MS } from "./latest";
import type { TensorStore } from "./tensors";

/** A picture to come: the channel as it is stored at a step. */
interface Shot {
  readonly key: ViewKey;
  readonly channel: number;
}

export class Film {
  /** What the film is of, with the time of each of its steps. */
  private subject = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly tensors: TensorStore,
    private readonly task: Latest,
  ) {}

  /** Shows what is cached at once, and asks for the rest once the selection rests. */
  open(view: LayerView, channel: number, steps: readonly StepInfo[]): void {
    const depth = this.store.depth.peek();
    const { maps, scores } = this.store;
    const subject = JSON.stringify([
      view.kind === "attribution" ? [maps.peek(), scores.peek()?.steps.length] : 0,
      [view.run, view.tag, view.example, view.pool, channelId(view.info, channel), depth],
      filmPositions(steps.length).map((position) => steps[position]!.wallTime),
    ]);
    const whole = this.store.film.peek().every((frame) => frame.source !== null);
    const failed = this.store.failures.peek().film !== undefined;
    if (subject === this.subject && whole && !failed) return;
    this.subject = subject;
    clearTimeout(this.timer);
    this.store.film.value = [];
    this.task.now(() => {
      const shots = shotsOf(view, channelId(view.info, channel), steps);
      const frames = shots.map((shot) => this.frameHere(shot));
      this.store.film.value = frames;
      if (frames.every((frame) => frame.source)) return;
      this.timer = setTimeout(() => {
        this.task.run(async (signal) => {
          this.store.film.value = await this.framesOf(shots, signal);
        });
      }, SETTLE_MS);
    });
  }

  /** A frame from what is cached: the whole layer, or the channel alone. */
  private frameHere({ key, channel }: Shot): FilmFrame {
    const depth = this.store.depth.peek();
    const whole = this.tensors.peek(viewQuery(key));
    const joint = channel === RGB || holdsMaps(key.info);
    const tensor = whole && (joint ? whole : channelOf(whole, channel));
    const alone = tensor ?? this.tensors.peek(channelQuery(key, channel));
    const view = alone && this.shaped(viewOf(key, alone));
    const source = view ? sourceOf(view, depth) : null;
    return { step: key.info.step, source, plane: joint ? channel : 0 };
  }

  /** An attribution as the others on the screen. */
  private shaped(view: LayerView): LayerView {
    return view.kind === "attribution" ? shaped(view, shapingOf(this.store, view)) : view;
  }

  /** Asks for what of them is not here. */
  async framesOf(shots: readonly Shot[], signal: AbortSignal): Promise<readonly FilmFrame[]> {
    for (const shot of shots) {
      const { key, channel } = shot;
      if (this.frameHere(shot).source === null) {
        await this.tensors.get(channelQuery(key, channel), signal);
      }
      signal.throwIfAborted();
    }
    return shots.map((shot) => this.frameHere(shot));
  }
}

/**
 * Up to so many of the steps that hold the channel of an id and have values. In another run than the
 * view's an example is the one of its place in the batch.
 */
export function shotsOf(
  view: LayerView,
  id: number,
  steps: readonly StepInfo[],
  own = true,
  frames?: number,
): readonly Shot[] {
  const placeIn = (info: StepInfo) =>
    id === RGB && info.channels === 3 ? RGB : positionOf(info, id);
  const exampleIn = ({ examples }: StepInfo) =>
    own || view.pool ? view.example : examples.indexOf(view.info.examples[view.example]!);
  const held = steps.filter((info) => {
    const has = examplesHold(info, exampleIn(info));
    return info.omitted === null && has && placeIn(info) !== undefined;
  });
  return filmPositions(held.length, frames).map((position) => {
    const info = held[position]!;
    return { key: { ...view, info, example: exampleIn(info) }, channel: placeIn(info)! };
  });
}

function examplesHold({ examples }: StepInfo, example: number): boolean {
  return example >= 0 && example < examples.length;
}

function channelQuery(key: ViewKey, channel: number): TensorQuery {
  if (channel === RGB || holdsMaps(key.info)) return viewQuery(key);
  return { ...viewQuery(key), channels: [channel, channel + 1] as const };
}
