import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Client, Unreachable } from "../data/client";
import { createStore } from "../state/store";
import { Connection } from "./connection";

const listeners: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("addEventListener", (type: string, listen: () => void) => {
    expect(type).toBe("online");
    listeners.push(listen);
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  listeners.length = 0;
});

/** A page whose server answers while `up` says so; `asked` are the seconds at which it was asked. */
function page() {
  const state = { up: false };
  const asked: number[] = [];
  const store = createStore();
  const start = Date.now();
  const answer = async () => {
    asked.push((Date.now() - start) / 1000);
    if (!state.up) throw new Unreachable("TensorBoard does not answer (connection refused)");
    return new Map();
  };
  const ask = () => void watched.tags(new AbortController().signal).catch(() => undefined);
  const connection = new Connection(store, ask);
  const watched = connection.over({ tags: answer } as unknown as Client);
  return { state, asked, store, connection, ask };
}

describe("a server that does not answer", () => {
  it("is asked again after 2, 4, 8, 16, then every 30 s, and that is said", async () => {
    const { asked, store, ask } = page();
    ask();
    await vi.advanceTimersByTimeAsync(95_000);
    expect(asked).toEqual([0, 2, 6, 14, 30, 60, 90]);
    const [notice] = store.notices.value;
    expect(notice?.about).toBe("connection");
    expect(notice?.text).toBe(
      "TensorBoard does not answer (connection refused). It is asked again in 30 s.",
    );
  });

  it("is asked no more, and nothing is said, once it answers", async () => {
    const { state, asked, store, ask } = page();
    ask();
    await vi.advanceTimersByTimeAsync(3000);
    state.up = true;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(asked).toEqual([0, 2, 6]);
    expect(store.notices.value).toEqual([]);
  });

  it("is there again as soon as anything that is asked meanwhile is answered", async () => {
    const { state, asked, store, ask } = page();
    ask();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(store.notices.value).toHaveLength(1);
    state.up = true;
    ask();
    await vi.advanceTimersByTimeAsync(0);
    expect(store.notices.value).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([0, 2, 6, 14, 15, 15]);
  });

  it("is asked at once when the browser is online again, and not where it was not missed", async () => {
    const { state, asked, ask } = page();
    for (const online of listeners) online();
    expect(asked).toEqual([]);
    ask();
    await vi.advanceTimersByTimeAsync(7000);
    state.up = true;
    for (const online of listeners) online();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([0, 2, 6, 7]);
  });

  it("begins anew at 2 s after a while without failures", async () => {
    const { state, asked, ask } = page();
    ask();
    await vi.advanceTimersByTimeAsync(15_000);
    state.up = true;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(asked).toEqual([0, 2, 6, 14, 30]);
    state.up = false;
    ask();
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked).toEqual([0, 2, 6, 14, 30, 115, 117]);
  });

  it("is asked no oftener than every 30 s where one of its answers fails for good", async () => {
    const { asked, connection } = page();
    for (let second = 0; second < 600; second++) {
      connection.askLater("one route is broken");
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(asked.length).toBeLessThan(600 / 30 + 6);
  });
});
