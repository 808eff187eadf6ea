import { describe, expect, it } from "vitest";
import type { Overview } from "../data/answers";
import { createStore } from "../state/store";
import { Provisional } from "./provisional";

const overview = (complete: boolean) => ({ complete }) as Overview;

describe("a layer opened while the log is read", () => {
  it("is no wish until somebody touches the page", () => {
    const [store, provisional] = [createStore(), new Provisional()];
    store.layer.value = "a";
    expect(provisional.wish(store)).toBe("a");
    provisional.keep("a", overview(false));
    expect(provisional.wish(store)).toBeNull();
    store.step.value = 3;
    expect(provisional.wish(store)).toBe("a");
    store.step.value = null;
    store.layer.value = "b";
    expect(provisional.wish(store)).toBe("b");
  });

  it("is one once the log has been read", () => {
    const [store, provisional] = [createStore(), new Provisional()];
    store.layer.value = "a";
    for (const known of [overview(true), null]) {
      provisional.keep("a", overview(false));
      provisional.keep("a", known);
      expect(provisional.wish(store)).toBe("a");
    }
  });
});
