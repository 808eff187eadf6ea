/**
 * The plugin's routes, relative to the page: the only place that fetches.
 *
 * Every request takes an AbortSignal. A refusal becomes a `RequestError` with the server's own
 * sentence.
 */
import type { Overview, StepIndex, StepInfo, TagIndex, Tensor } from "./answers";
import { parseFacts, type RunFacts } from "./facts";
import { AnswerError, dtype, parseOverview, parseSteps, parseTags } from "./parse";

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
  steps(run: string, tag: string, signal: AbortSignal): Promise<StepIndex>;
  overview(
    run: string,
    columns: number,
    step: number | null,
    signal: AbortSignal,
  ): Promise<Overview>;
  /** What is constant for a run. */
  facts(run: string, signal: AbortSignal): Promise<RunFacts>;
  tensor(query: TensorQuery, signal: AbortSignal): Promise<Tensor>;
  /** `[positions, channels, 6]` of the half-open range of positions in `/steps`. */
  stats(
    run: string,
    tag: string,
    positions: readonly [number, number],
    signal: AbortSignal,
  ): Promise<Float32Array>;
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

export function createClient(): Client {
  return {
    async tags(signal) {
      return parseTags(await (await get("tags", {}, signal)).json());
    },
    async steps(run, tag, signal) {
      return parseSteps(await (await get("steps", { run, tag }, signal)).json(), run, tag);
    },
    async overview(run, columns, step, signal) {
      const answer = await get("overview", { run, columns, step }, signal);
      return parseOverview(await answer.json(), run);
    },
    async facts(run, signal) {
      return parseFacts(await (await get("run", { run }, signal)).json(), run);
    },
    async tensor(query, signal) {
      const answer = await get("tensor", tensorParameters(query), signal);
      return readTensor(await answer.arrayBuffer(), answer.headers.get("X-Shape"), query.info);
    },
    async stats(run, tag, positions, signal) {
      const answer = await get("stats", { run, tag, steps: range(positions) }, signal);
      return new Float32Array(await answer.arrayBuffer());
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
