/**
 * The plugin's routes, relative to the page: the only place that fetches.
 *
 * Every request takes an AbortSignal. A refusal becomes a `RequestError` with the server's own
 * sentence.
 */
import type { LatestStep, Overview, StepIndex, StepInfo, TagIndex, Tensor } from "./answers";
import { type Answers, type Largest, parseAnswers, parseLargest } from "./classifier";
import { parseFacts, type RunFacts } from "./facts";
import { AnswerError } from "./json";
import { labelsOf, learn } from "./labels";
import { dtype, parseLatest, parseOverview, parseSteps, parseTags } from "./parse";
import { parseScores, type Scores } from "./scores";

/** The server's refusal, in its own words. */
class RequestError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Nobody answers, or only what stands in front of TensorBoard. */
export class Unreachable extends Error {}

const UNREACHABLE = [502, 503, 504];

export interface TensorQuery {
  readonly run: string;
  readonly tag: string;
  readonly info: StepInfo;
  /** Half-open positions; absent: all. */
  readonly examples?: readonly [number, number];
  readonly channels?: readonly [number, number];
}

export interface Client {
  tags(signal: AbortSignal): Promise<TagIndex>;
  /** Of steps that were asked for before only what is new comes over the wire. */
  steps(run: string, tag: string, signal: AbortSignal): Promise<StepIndex>;
  latest(run: string, tag: string, signal: AbortSignal): Promise<LatestStep>;
  /** Asks for the labels of a step of `index`, and of those around it, where they were not said. */
  labels(index: StepIndex, position: number, signal: AbortSignal): Promise<void>;
  overview(
    run: string,
    columns: number,
    step: number | null,
    signal: AbortSignal,
  ): Promise<Overview>;
  /** What is constant for a run. */
  facts(run: string, signal: AbortSignal): Promise<RunFacts>;
  /** What a classifier answers at some of its steps, the last one up to `step` among them. */
  answers(run: string, tag: string, step: number, signal: AbortSignal): Promise<Answers>;
  /** The largest value of the channel at a position, of each example, the largest first. */
  largest(
    run: string,
    tag: string,
    step: number,
    channel: number,
    signal: AbortSignal,
  ): Promise<readonly Largest[]>;
  tensor(query: TensorQuery, signal: AbortSignal): Promise<Tensor>;
  /** `[positions, channels, 6]` of the half-open range of positions; of `rows` of them, if given. */
  stats(
    run: string,
    tag: string,
    positions: readonly [number, number],
    signal: AbortSignal,
    rows?: number,
  ): Promise<Float32Array>;
  /** What the maps of an attribution add up to at the half-open range of positions; of `rows` of them. */
  scores(
    run: string,
    tag: string,
    positions: readonly [number, number],
    signal: AbortSignal,
    rows?: number,
  ): Promise<Scores>;
}

type Parameters = Readonly<Record<string, string | number | null | undefined>>;

function address(route: string, parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${route}?${text}` : route;
}

async function get(route: string, parameters: Parameters, signal: AbortSignal): Promise<Response> {
  const response = await fetch(address(route, parameters), { signal }).catch((error) => {
    throw error instanceof TypeError ? unreachable(error.message) : error;
  });
  if (response.ok) return response;
  if (UNREACHABLE.includes(response.status)) throw unreachable(`status ${response.status}`);
  const sentence = (await response.text()).trim().slice(0, 500);
  throw new RequestError(sentence || `${route}: status ${response.status}`, response.status);
}

function unreachable(reason: string): Unreachable {
  return new Unreachable(`TensorBoard does not answer (${reason})`);
}

function range(ends: readonly [number, number] | undefined): string | undefined {
  return ends && `${ends[0]}:${ends[1]}`;
}

function tensorParameters({ run, tag, info, examples, channels }: TensorQuery): Parameters {
  return { run, tag, step: info.step, example: range(examples), channels: range(channels) };
}

/** Where the values of a query are, relative to the page. */
export function tensorAddress(query: TensorQuery): string {
  return address("tensor", tensorParameters(query));
}

/** So many labels at once, and so many lists of steps that are remembered. */
const LABELLED = 64;
const ANSWERED = 88;
const REMEMBERED = 8;

export function createClient(): Client {
  const known = new Map<string, StepIndex>();
  const packed = async (of: Parameters, signal: AbortSignal) =>
    await (await get("steps", { form: "packed", ...of }, signal)).json();
  return {
    async tags(signal) {
      return parseTags(await (await get("tags", {}, signal)).json());
    },
    async steps(run, tag, signal) {
      const name = JSON.stringify([run, tag]);
      const before = known.get(name)?.steps ?? [];
      const since = Math.max(0, before.length - 1);
      const found =
        (since > 0 &&
          (await packed({ run, tag, since }, signal).then(
            (answer) => parseSteps(answer, run, tag, before),
            // There are fewer steps now.
            (error) => {
              if (error instanceof RequestError) return null;
              throw error;
            },
          ))) ||
        parseSteps(await packed({ run, tag }, signal), run, tag)!;
      known.delete(name);
      known.set(name, found);
      if (known.size > REMEMBERED) known.delete(known.keys().next().value!);
      return found;
    },
    async latest(run, tag, signal) {
      return parseLatest(await (await get("latest", { run, tag }, signal)).json());
    },
    async labels({ run, tag, steps }, position, signal) {
      if (labelsOf(steps[position]!) !== undefined) return;
      const since = Math.max(0, position - LABELLED / 2);
      const answer = await packed({ run, tag, since, most: LABELLED }, signal);
      for (const [i, info] of parseSteps(answer, run, tag)!.steps.entries()) {
        const mine = steps[since + i];
        if (mine?.wallTime === info.wallTime) learn(mine, info.labels);
      }
    },
    async overview(run, columns, step, signal) {
      const answer = await get("overview", { run, columns, step }, signal);
      return parseOverview(await answer.json(), run);
    },
    async facts(run, signal) {
      return parseFacts(await (await get("run", { run }, signal)).json(), run);
    },
    async answers(run, tag, step, signal) {
      const answer = await get("answers", { run, tag, step, rows: ANSWERED }, signal);
      return parseAnswers(await answer.json(), run, tag);
    },
    async largest(run, tag, step, channel, signal) {
      return parseLargest(await (await get("top", { run, tag, step, channel }, signal)).json());
    },
    async tensor(query, signal) {
      const answer = await get("tensor", tensorParameters(query), signal);
      return readTensor(await answer.arrayBuffer(), answer.headers.get("X-Shape"), query.info);
    },
    async stats(run, tag, positions, signal, rows) {
      const answer = await get("stats", { run, tag, steps: range(positions), rows }, signal);
      return new Float32Array(await answer.arrayBuffer());
    },
    async scores(run, tag, positions, signal, rows) {
      const answer = await get("scores", { run, tag, steps: range(positions), rows }, signal);
      return parseScores(await answer.json(), run, tag);
    },
  };
}

/** Views the bytes; the shape stands in the header `X-Shape` as "1,64,28,28". */
export function readTensor(body: ArrayBuffer, header: string | null, info: StepInfo): Tensor {
  const shape = (header?.match(/\d+/g) ?? []).map(Number);
  const count = shape.reduce((product, side) => product * side, 1);
  const storage = dtype(info.dtype);
  const size = storage === "float16" ? 2 : 4;
  if (shape.length < 2 || body.byteLength !== count * size) {
    throw new AnswerError(
      `the tensor has ${body.byteLength} bytes; shape ${header} of ${storage} needs ${count * size}`,
    );
  }
  const stored = storage === "float16" ? new Uint16Array(body) : new Float32Array(body);
  return { dtype: storage, scale: info.scale, shape, stored };
}
