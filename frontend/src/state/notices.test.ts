import { describe, expect, it } from "vitest";
import type { StepIndex, StepInfo } from "../data/answers";
import { goToStep, selectExample, setFollow, setPlaying } from "./actions";
import { say } from "./notices";
import { createStore, type Store } from "./store";

const STEPS = { run: "a", tag: "conv", steps: [{ step: 0 }, { step: 9 } as StepInfo] };

describe("what is said of a link", () => {
  const moves: Record<string, (store: Store) => void> = {
    "another step": (store) => goToStep(store, 9),
    "the last step": (store) => setFollow(store, true),
    play: (store) => setPlaying(store, true),
    "another example": (store) => selectExample(store, 1),
  };

  it.each(Object.keys(moves))("is gone once the viewer chooses: %s", (name) => {
    const store = createStore();
    store.stepIndex.value = { state: "ready", value: STEPS as unknown as StepIndex };
    say(store, "link", "“conv” holds no step 33; the nearest is shown.");
    say(store, "run", "There is no run “gone” any more; this is “a”.");
    moves[name]!(store);
    expect(store.notices.value.map(({ about }) => about)).toEqual(["run"]);
  });

  it("stays where playing ends", () => {
    const store = createStore();
    say(store, "link", "“conv” holds no channel 900; the nearest is shown.");
    setPlaying(store, false);
    expect(store.notices.value).toHaveLength(1);
  });
});
