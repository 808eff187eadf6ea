import { describe, expect, it } from "vitest";
import type { LayerView } from "../data/answers";
import type { Answers } from "../data/classifier";
import type { Client } from "../data/client";
import { setFailure } from "../state/notices";
import { createStore, type Store } from "../state/store";
import { Answering } from "./answering";
import { Latest } from "./latest";

const VIEW = { run: "r", tag: "t", kind: "activation", info: { step: 3 } } as unknown as LayerView;
const FOUND = { run: "r", tag: "out", step: [3] } as unknown as Answers;

/** A server that answers what is asked for from the n-th time on. */
function answering(store: Store, fails: number) {
  let asked = 0;
  const answers = async () => {
    asked++;
    if (asked <= fails) throw new Error("no answer");
    return FOUND;
  };
  const said = new Latest((message) => setFailure(store, "answer", message));
  const client = { answers } as unknown as Client;
  return {
    asked: () => asked,
    of: new Answering(store, client, said, new Latest(() => {})),
  };
}

describe("what the classifier answers", () => {
  it("is asked for again after a failure, and once it is here no more", async () => {
    const store = createStore();
    const { asked, of } = answering(store, 1);
    store.facts.value = { run: "r", classifiers: ["out"] } as unknown as typeof store.facts.value;
    store.view.value = VIEW;
    const open = async () => {
      of.openAnswer(VIEW);
      await new Promise((resolve) => setTimeout(resolve));
    };
    await open();
    expect(store.failures.value.answer).toBe("no answer");
    expect(store.answered.value).toBeNull();
    await open();
    expect(store.answered.value).toBe(FOUND);
    expect(store.failures.value.answer).toBeUndefined();
    await open();
    expect(asked()).toBe(2);
  });
});
