/**
 * Tensors by what they are of: from the cache, from a request under way, or from the server.
 *
 * A record never changes once logged under its wall time, so the key holds that too.
 */
import type { Tensor } from "../data/answers";
import type { Client, TensorQuery } from "../data/client";
import { ByteCache } from "./cache";

/** Decoded views stand beside this; together they stay under 128 MB. */
const CACHE_BYTES = 104 * 2 ** 20;

function tensorKey({ run, tag, info, examples, channels }: TensorQuery): string {
  return JSON.stringify([run, tag, info.step, info.wallTime, examples ?? 0, channels ?? 0]);
}

export function tensorBytes({ info, examples, channels }: TensorQuery): number {
  const [n = 0, ...rest] = info.shape;
  const c = rest.pop() ?? 0;
  const plane = rest.reduce((product, side) => product * side, 1);
  const shownExamples = examples ? examples[1] - examples[0] : n;
  const shownChannels = channels ? channels[1] - channels[0] : c;
  return shownExamples * shownChannels * plane * (info.dtype === "float16" ? 2 : 4);
}

interface Flight {
  readonly promise: Promise<Tensor>;
  readonly abort: AbortController;
  waiters: number;
}

export class TensorStore {
  private readonly cache: ByteCache<Tensor>;
  private readonly flights = new Map<string, Flight>();

  constructor(
    private readonly client: Client,
    limit = CACHE_BYTES,
  ) {
    this.cache = new ByteCache(limit);
  }

  get bytes(): number {
    return this.cache.bytes;
  }

  has(query: TensorQuery): boolean {
    return this.cache.has(tensorKey(query));
  }

  /** What is here already. */
  peek(query: TensorQuery): Tensor | undefined {
    return this.cache.get(tensorKey(query));
  }

  /** Joins a request under way; the request is aborted once nobody waits for it. */
  async get(query: TensorQuery, signal: AbortSignal): Promise<Tensor> {
    const key = tensorKey(query);
    const kept = this.cache.get(key);
    if (kept) return kept;
    signal.throwIfAborted();
    const flight = this.flights.get(key) ?? this.launch(key, query);
    flight.waiters += 1;
    return await new Promise<Tensor>((resolve, reject) => {
      const leave = () => {
        flight.waiters -= 1;
        if (flight.waiters === 0) this.cancel(key, flight);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      flight.promise
        .then(resolve, reject)
        .finally(() => signal.removeEventListener("abort", leave));
    });
  }

  clear(): void {
    this.cache.clear();
  }

  private launch(key: string, query: TensorQuery): Flight {
    const abort = new AbortController();
    const promise = this.client
      .tensor(query, abort.signal)
      .then((tensor) => {
        this.cache.set(key, tensor, tensor.stored.byteLength);
        return tensor;
      })
      .finally(() => {
        if (this.flights.get(key)?.abort === abort) this.flights.delete(key);
      });
    const flight = { promise, abort, waiters: 0 };
    this.flights.set(key, flight);
    return flight;
  }

  private cancel(key: string, flight: Flight): void {
    if (this.flights.get(key) === flight) this.flights.delete(key);
    flight.abort.abort();
  }
}
