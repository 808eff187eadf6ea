import { describe, expect, it } from "vitest";
import type { StepInfo, Tensor } from "../data/answers";
import { type Client, readTensor } from "../data/client";
import { ByteCache } from "./cache";
import { TensorStore, tensorBytes } from "./tensors";

const INFO: StepInfo = {
  step: 0,
  wallTime: 1,
  shape: [2, 2, 2, 3],
  batch: 2,
  channels: 3,
  channelIds: null,
  examples: [0, 1],
  labels: null,
  dtype: "float16",
  scale: 1,
  omitted: null,
  explained: null,
};
const QUERY = { run: "r", tag: "t", info: INFO };

/** A client whose tensors arrive when told to. */
function slowClient() {
  const asked: { signal: AbortSignal; resolve: (tensor: Tensor) => void }[] = [];
  const tensor = (_: unknown, signal: AbortSignal) =>
    new Promise<Tensor>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      asked.push({ signal, resolve });
    });
  return { asked, client: { tensor } as unknown as Client };
}

const TENSOR: Tensor = {
  dtype: "float16",
  scale: 1,
  shape: [1, 3, 2, 2],
  stored: new Uint16Array(12),
};

describe("the cache", () => {
  it("never holds more than its limit, and drops what was used longest ago", () => {
    const cache = new ByteCache<string>(10);
    cache.set("a", "a", 4);
    cache.set("b", "b", 4);
    cache.get("a");
    cache.set("c", "c", 4);
    expect([cache.has("a"), cache.has("b"), cache.has("c")]).toEqual([true, false, true]);
    expect(cache.bytes).toBe(8);
    cache.set("huge", "huge", 11);
    expect(cache.has("huge")).toBe(false);
    expect(cache.bytes).toBe(8);
  });
});

describe("tensors", () => {
  it("are asked for once while a request is under way", async () => {
    const { asked, client } = slowClient();
    const store = new TensorStore(client);
    const signal = new AbortController().signal;
    const both = Promise.all([store.get(QUERY, signal), store.get(QUERY, signal)]);
    expect(asked).toHaveLength(1);
    asked[0]?.resolve(TENSOR);
    expect(await both).toEqual([TENSOR, TENSOR]);
    expect(await store.get(QUERY, signal)).toBe(TENSOR);
    expect(asked).toHaveLength(1);
    expect(store.bytes).toBe(24);
  });

  it("are aborted when nobody waits any more, and only then", async () => {
    const { asked, client } = slowClient();
    const store = new TensorStore(client);
    const [one, two] = [new AbortController(), new AbortController()];
    const first = store.get(QUERY, one.signal).catch(() => "left");
    const second = store.get(QUERY, two.signal).catch(() => "left");
    one.abort();
    expect(await first).toBe("left");
    expect(asked[0]?.signal.aborted).toBe(false);
    two.abort();
    expect(await second).toBe("left");
    expect(asked[0]?.signal.aborted).toBe(true);
    const again = store.get(QUERY, new AbortController().signal);
    asked[1]?.resolve(TENSOR);
    expect(await again).toBe(TENSOR);
  });

  it("know their size before they are asked for", () => {
    expect(tensorBytes(QUERY)).toBe(48);
    expect(tensorBytes({ ...QUERY, examples: [0, 1], channels: [1, 2] })).toBe(8);
  });

  it("must have the bytes that their shape needs", () => {
    const body = new ArrayBuffer(24);
    expect(readTensor(body, "1,3,2,2", INFO).shape).toEqual([1, 3, 2, 2]);
    expect(() => readTensor(body, "1,3,2,3", INFO)).toThrow("needs 36");
    expect(() => readTensor(body, null, INFO)).toThrow();
  });
});
