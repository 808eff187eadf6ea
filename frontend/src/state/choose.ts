/** What is shown when nobody has chosen: pure functions of the server's answers. */
import type {
  LayerHealth,
  LayerOverview,
  LayerView,
  Overview,
  StepIndex,
  StepInfo,
  TagIndex,
  TagInfo,
} from "../data/answers";

const LEGIBLE_PLANE = 8;
const FILM_FRAMES = 12;
/** The largest magnitudes of bfloat16 and float16, as short as the server gives them. */
const [LARGEST_BFLOAT16, LARGEST_FLOAT16] = [3.3895e38, 65504];

/** The run most recently written; the last by name where the server gives no times. */
export function defaultRun(tags: TagIndex): string | null {
  let best: string | null = null;
  let latest = Number.NEGATIVE_INFINITY;
  for (const [run, infos] of tags) {
    const written = Math.max(...infos.map((info) => info.wallTime ?? 0));
    if (written >= latest) {
      best = run;
      latest = written;
    }
  }
  return best;
}

/** The first layer with non-finite values, else the first with a plane of at least 8×8, else the first. */
export function defaultLayer(overview: Overview): string | null {
  const layers = [...overview.layers.values()];
  const broken = layers.find(
    (layer) =>
      layer.kind !== "attribution" && (healthAt(overview, layer, null)?.nonfinite ?? 0) > 0,
  );
  if (broken) return broken.tag;
  if (overview.firstNonfinite) return overview.firstNonfinite.tag;
  const activations = layers.filter((layer) => layer.kind === "activation");
  const legible = activations.find(({ shape }) => {
    const [h = 0, w = 0] = shape.slice(-3, -1);
    return shape.length >= 4 && Math.min(h, w) >= LEGIBLE_PLANE;
  });
  return (legible ?? activations[0] ?? layers[0])?.tag ?? null;
}

/** The layers of a run of which nothing but the tags is known. */
export function bareOverview(run: string, infos: readonly TagInfo[]): Overview {
  const unknown = { shape: [], batch: 0, channels: 0, columns: [], at: null };
  const layers = infos.map(
    ({ tag, kind, order }) => [tag, { tag, kind, order, ...unknown }] as const,
  );
  const none = {
    complete: true,
    sampled: false,
    steps: null,
    columns: [],
    firstNonfinite: null,
    update: null,
  };
  return { run, layers: new Map(layers), ...none };
}

/** The step shown: the last where none is wished, else the last not after it, else the first. */
export function infoAt(index: StepIndex, step: number | null): StepInfo | null {
  const position = positionAt(index.steps, step);
  return index.steps[position] ?? null;
}

/** The step nearest to the one asked for; of two the earlier. */
export function nearestStep(steps: readonly { readonly step: number }[], step: number): number {
  const apart = (info: { readonly step: number }) => Math.abs(info.step - step);
  return steps.reduce((a, b) => (apart(b) < apart(a) ? b : a)).step;
}

/** Position of the step shown among `steps` (ascending). */
export function positionAt(
  steps: readonly { readonly step: number }[],
  step: number | null,
): number {
  if (step === null) return steps.length - 1;
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]!.step <= step) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** A layer's health at its last step not after `step` (null: its last). */
export function healthAt(
  overview: Overview,
  layer: LayerOverview,
  step: number | null,
): LayerHealth | null {
  if (!columnsAreSteps(overview)) return layer.at;
  const position = step === null ? overview.columns.length - 1 : columnAt(overview, step);
  for (let i = position; i >= 0; i--) {
    const health = layer.columns[i];
    if (health) return health;
  }
  return null;
}

/** Whether each column stands for one step, so that no request is needed for another step. */
export function columnsAreSteps({ columns }: Overview): boolean {
  return columns.every(([first, last]) => first === last);
}

/** The column that holds `step`, or the last one before it. */
export function columnAt(overview: Overview, step: number): number {
  let found = -1;
  overview.columns.forEach(([first], i) => {
    if (first <= step) found = i;
  });
  return found;
}

interface HealthSummary {
  readonly channels: number;
  readonly dead: number;
  /** The layer with the largest share of dead channels. */
  readonly worst: { readonly tag: string; readonly share: number } | null;
  readonly nonfiniteLayers: readonly string[];
  /** The first finite layer behind one that is not whose values end where its type does. */
  readonly floor: string | null;
  /** The layer whose RMS has grown most since its first step, where that is out of all proportion. */
  readonly grown: { readonly tag: string; readonly times: number; readonly since: number } | null;
}

/** Out of proportion: so many times, and so many times what half of the layers have grown. */
const EXPLODED = 100;

export function summarize(overview: Overview, step: number | null): HealthSummary {
  let channels = 0;
  let dead = 0;
  let worst: HealthSummary["worst"] = null;
  const nonfiniteLayers: string[] = [];
  let floor: string | null = null;
  for (const layer of overview.layers.values()) {
    const health = healthAt(overview, layer, step);
    if (!health || layer.kind === "attribution") continue;
    if (health.nonfinite > 0) nonfiniteLayers.push(layer.tag);
    if (layer.kind === "input") continue;
    if (nonfiniteLayers.length > 0 && atFloor(health)) floor ??= layer.tag;
    channels += layer.channels;
    dead += health.dead;
    const share = layer.channels > 0 ? health.dead / layer.channels : 0;
    if (share > (worst?.share ?? 0)) worst = { tag: layer.tag, share };
  }
  return { channels, dead, worst, nonfiniteLayers, floor, grown: grownMost(overview, step) };
}

function grownMost(overview: Overview, step: number | null): HealthSummary["grown"] {
  const growths = [...overview.layers.values()].flatMap((layer) => {
    const [first, now] = [layer.columns.find(Boolean), healthAt(overview, layer, step)];
    const times = (now?.rms ?? 0) / (first?.rms || Number.NaN);
    return layer.kind === "activation" && times > 0
      ? [{ tag: layer.tag, times, since: first!.step }]
      : [];
  });
  growths.sort((a, b) => b.times - a.times);
  const [most, usual] = [growths[0], growths[growths.length >> 1]];
  if (!most || !usual || most.times < EXPLODED * Math.max(1, usual.times)) return null;
  return { ...most, times: Number(most.times.toPrecision(2)) };
}

/** TensorFlow's CPU max-pooling makes the lowest number of a type from a window of NaN. */
function atFloor({ largest }: LayerHealth): boolean {
  return largest !== null && (largest >= LARGEST_BFLOAT16 || largest === LARGEST_FLOAT16);
}

/**
 * Up to 12 steps: every second, fourth, eighth, … of them and the last, so that where one more is logged
 * the others stay.
 */
export function filmPositions(count: number, frames = FILM_FRAMES): readonly number[] {
  let stride = 1;
  while (Math.ceil((count - 1) / stride) >= frames) stride *= 2;
  const most = Math.ceil((count - 1) / stride) + 1;
  return Array.from({ length: Math.min(count, most) }, (_, i) => Math.min(count - 1, i * stride));
}

/**
 * The inputs of the layer's own model, where several are watched side by side: `real/input` goes with
 * `real/conv`. All of them where none is.
 */
export function inputsOf<T extends { readonly tag: string }>(
  inputs: readonly T[],
  layer: string,
): readonly T[] {
  const own = inputs.filter(({ tag }) => layer.startsWith(tag.slice(0, tag.lastIndexOf("/") + 1)));
  return own.length > 0 ? own : inputs;
}

/** The step of an input that goes with a view: same example, its last step not after the view's. */
export function inputInfo({ steps }: StepIndex, view: LayerView): StepInfo | null {
  const { examples } = view.info;
  const position = examples[view.example];
  const at = positionAt(steps, view.info.step);
  // Steps share the lists of their examples: each list is looked at once.
  const nearest = (fits: (list: readonly number[]) => boolean) => {
    const known = new Map<readonly number[], boolean>();
    const holds = (info: StepInfo) => {
      if (!known.has(info.examples)) known.set(info.examples, fits(info.examples));
      return info.omitted === null && known.get(info.examples);
    };
    return steps.slice(0, at + 1).findLast(holds) ?? steps.slice(at + 1).find(holds) ?? null;
  };
  if (position === undefined) return null;
  return (
    nearest((list) => list.join() === examples.join()) ?? nearest((list) => list.includes(position))
  );
}
