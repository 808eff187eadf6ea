/** Fetches the film of the selected channel: its plane at up to twelve steps. */
import type { LayerView, StepInfo } from "../data/answers";
import { RGB } from "../data/channels";
import type { TensorQuery } from "../data/client";
import { channelOf, type ViewKey, viewOf, viewQuery } from "../data/view";
import { sourceOf } from "../render/planes";
import { filmPositions } from "../state/choose";
import type { FilmFrame, Store } from "../state/store";
import { Latest, SETTLE_MS } from "./latest";
import type { TensorStore } from "./tensors";

export class Film {
  private readonly task = new Latest(() => undefined);
  /** What the film is of, with the time of each of its steps. */
  private subject = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly tensors: TensorStore,
  ) {}

  /** Shows what is cached at once, and asks for the rest once the selection rests. */
  open(view: LayerView, channel: number, steps: readonly StepInfo[]): void {
    const depth = this.store.depth.peek();
    const subject = JSON.stringify([
      [view.run, view.tag, view.example, channel, depth],
      steps.map((info) => info.wallTime),
    ]);
    const whole = this.store.film.peek().every((frame) => frame.source !== null);
    if (subject === this.subject && whole) return;
    this.subject = subject;
    const infos = filmPositions(steps.length).map((position) => steps[position]!);
    const frames = infos.map((info) => this.frameHere(view, info, channel));
    this.store.film.value = frames;
    clearTimeout(this.timer);
    this.task.cancel();
    if (frames.every((frame) => frame.source)) return;
    this.timer = setTimeout(() => {
      this.task.run((signal) => this.load(view, infos, channel, signal));
    }, SETTLE_MS);
  }

  /** A frame from what is cached: the whole layer, or the channel alone. */
  private frameHere(view: LayerView, info: StepInfo, channel: number): FilmFrame {
    const key = { ...view, info };
    const whole = this.tensors.peek(viewQuery(key));
    const tensor = whole && (channel === RGB ? whole : channelOf(whole, channel));
    const alone = tensor ?? this.tensors.peek(channelQuery(key, channel));
    const depth = this.store.depth.peek();
    return { step: info.step, source: alone ? sourceOf(viewOf(key, alone), depth) : null };
  }

  private async load(
    view: LayerView,
    infos: readonly StepInfo[],
    channel: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (const info of infos) {
      const frame = this.frameHere(view, info, channel);
      if (frame.source === null && info.omitted === null) {
        await this.tensors.get(channelQuery({ ...view, info }, channel), signal);
      }
      signal.throwIfAborted();
    }
    this.store.film.value = infos.map((info) => this.frameHere(view, info, channel));
  }
}

function channelQuery(key: ViewKey, channel: number): TensorQuery {
  if (channel === RGB) return viewQuery(key);
  return { ...viewQuery(key), channels: [channel, channel + 1] as const };
}
