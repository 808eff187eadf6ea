import { describe, expect, it } from "vitest";
import { keysOf, restore } from "./address";
import { createStore } from "./store";

describe("the state as keys of the address", () => {
  it("names only what was chosen", () => {
    expect(keysOf(createStore())).toEqual({});
  });

  it("comes back as it was", () => {
    const store = createStore();
    store.run.value = "a/b";
    store.layer.value = "conv & more";
    store.step.value = 40;
    store.example.value = 2;
    store.channelWish.value = { id: 17, layer: null };
    store.pixelWish.value = { x: 3, y: 4, z: 0 };
    store.triage.value = { sortBy: "std", show: "active", search: "1, 4-6" };
    store.compare.value = { target: "run:other", mode: "difference" };
    store.window.value = {
      ...store.window.value,
      contrast: 0.25,
      manual: [-1, 2],
      lockSteps: true,
    };
    store.zoom.value = { x: 3.5, y: 4, width: 14, height: 14 };
    store.axis.value = { lo: -0.5, hi: 1.25 };
    const keys = keysOf(store);
    expect([keys.zoom, keys.axis]).toEqual(["3.5,4,14,14", "-0.5,1.25"]);
    const other = createStore();
    restore(other, keys);
    expect(keysOf(other)).toEqual(keys);
    expect(other.follow.value).toBe(false);
    expect(other.window.value).toEqual(store.window.value);
  });

  it("leaves out what makes no sense", () => {
    const store = createStore();
    restore(store, {
      step: "many",
      sort: "colour",
      window: "{",
      pixel: "a,b",
      size: "",
      zoom: "1,2,0,3",
      axis: "2,1",
    });
    expect(keysOf(store)).toEqual({});
  });
});
