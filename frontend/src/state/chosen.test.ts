import { describe, expect, it } from "vitest";
import type { LayerOverview, LayerView, Overview, StepInfo } from "../data/answers";
import { RGB } from "../data/channels";
import { selectChannel } from "./actions";
import { checkLink, showView } from "./chosen";
import { createStore } from "./store";

interface Of {
  readonly tag?: string;
  readonly channels?: number;
  readonly side?: number;
  readonly step?: number;
  readonly ids?: readonly number[];
  readonly kind?: "input";
}

function view({ tag = "layer", channels = 4, side = 2, step = 0, ids, kind }: Of): LayerView {
  const info: StepInfo = {
    step,
    wallTime: step,
    shape: [1, side, side, channels],
    batch: 1,
    channels: ids ? 64 : channels,
    channelIds: ids ?? null,
    examples: [0],
    labels: null,
    dtype: "float32",
    scale: 1,
    omitted: null,
    explained: null,
  };
  return {
    ...{ run: "r", tag, kind: kind ?? "activation", info, example: 0, channels },
    spatial: [side, side],
    planeSize: side * side,
    values: new Float32Array(channels * side * side),
    scale: 1,
  };
}

function storeWith(of: Of) {
  const store = createStore();
  showView(store, view(of), null);
  return store;
}

describe("what is chosen", () => {
  it("is a channel of the shown layer at every moment, and the wish comes back", () => {
    const store = storeWith({ channels: 32 });
    const seen: (number | null)[] = [];
    store.channel.subscribe((channel) => seen.push(channel));
    selectChannel(store, 25);
    showView(store, view({ tag: "narrow", channels: 8 }), null);
    showView(store, view({ channels: 32 }), null);
    expect(seen).toEqual([0, 25, 0, 25]);
  });

  it("is the channel of an id, where other channels are stored at another step", () => {
    const store = storeWith({ channels: 3, ids: [0, 30, 63] });
    selectChannel(store, 1);
    showView(store, view({ channels: 4, ids: [0, 20, 30, 63], step: 1 }), null);
    expect(store.channel.value).toBe(2);
    showView(store, view({ channels: 2, ids: [0, 63], step: 2 }), null);
    expect(store.channel.value).toBe(0);
  });

  it("is a channel that passes the filter, and none where none does", () => {
    const store = storeWith({});
    selectChannel(store, 3);
    store.triage.value = { sortBy: null, show: "all", search: "1-2" };
    expect(store.channel.value).toBe(1);
    store.triage.value = { sortBy: null, show: "dead", search: "" };
    expect([store.cells.value, store.channel.value]).toEqual([[], null]);
  });

  it("is the picture, coming from a channel of another layer", () => {
    const store = storeWith({});
    selectChannel(store, 1);
    showView(store, view({ tag: "input", channels: 3, kind: "input" }), null);
    expect(store.channel.value).toBe(RGB);
    selectChannel(store, 1);
    expect(store.channel.value).toBe(1);
  });

  it("is no pixel and no place of the pointer outside of the planes", () => {
    const store = storeWith({ side: 4 });
    store.pixelWish.value = { x: 3, y: 3, z: 0 };
    store.pointed.value = { position: 3, pixel: { x: 1, y: 1, z: 0 } };
    expect([store.pixel.value?.x, store.hover.value?.position]).toEqual([3, 3]);
    showView(store, view({ side: 2, step: 1, channels: 2 }), null);
    expect([store.pixel.value, store.hover.value]).toEqual([null, null]);
  });

  it("is compared with what was found for it, not for what was shown before", () => {
    const store = storeWith({});
    const [shown, other] = [store.view.value!, view({ step: 9 })];
    store.compare.value = { target: "run:b", mode: "beside" };
    store.found.value = { of: shown, target: "run:b", view: other, name: "step 9 of run b" };
    expect(store.other.value).toBe(other);
    showView(store, view({ tag: "next" }), null);
    expect([store.other.value, store.otherName.value]).toEqual([null, ""]);
    showView(store, view({}), null);
    store.compare.value = { target: "first", mode: "beside" };
    expect(store.other.value).toBeNull();
  });
});

describe("a link", () => {
  const steps = [view({ step: 0 }).info, view({ step: 10, channels: 2 }).info];
  const index = {
    run: "r",
    tag: "layer",
    complete: true,
    sampled: false,
    live: true,
    count: 2,
    steps,
  };

  it("to what the step does not hold is said, and the nearest step takes its place", () => {
    const store = createStore();
    store.step.value = 8;
    store.example.value = 3;
    store.channelWish.value = { id: 3, layer: null };
    expect(checkLink(store, index)).toEqual(["step 8", "example 3", "channel 3"]);
    expect(store.step.value).toBe(10);
  });

  it("to what is there says nothing", () => {
    const store = createStore();
    store.step.value = 0;
    store.channelWish.value = { id: 3, layer: null };
    expect(checkLink(store, index)).toEqual([]);
  });
});

describe("the order", () => {
  it("is that of the new view in the moment that it is shown, and holds over steps", () => {
    const store = storeWith({ channels: 4 });
    const sizes: number[] = [];
    store.order.subscribe((order) => sizes.push(order.length - store.view.peek()!.channels));
    showView(store, view({ tag: "wide", channels: 9 }), null);
    showView(store, view({ tag: "wide", channels: 3, step: 1 }), null);
    expect(sizes).toEqual([0, 0, 0]);
  });
});

describe("a sequence", () => {
  it("is lines from 32 positions on, but a matrix where these are patches of the run's picture", () => {
    const store = createStore();
    const sequence = { ...view({}), spatial: [65], planeSize: 65 };
    store.view.value = { ...sequence, info: { ...sequence.info, shape: [1, 65, 4] } };
    expect(store.lines.value).toBe(true);
    const input = (shape: readonly number[]) =>
      new Map([["input", { tag: "input", kind: "input", shape } as LayerOverview]]);
    const overview = (shape: readonly number[]) =>
      ({
        state: "ready",
        value: { run: "r", layers: input(shape) } as unknown as Overview,
      }) as const;
    store.overview.value = overview([1, 64, 64, 3]);
    expect(store.lines.value).toBe(false);
    store.overview.value = overview([1, 500, 1]);
    expect(store.lines.value).toBe(true);
    store.form.value = "matrix";
    expect(store.lines.value).toBe(false);
  });
});
