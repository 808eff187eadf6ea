import { describe, expect, it } from "vitest";
import type { LayerView } from "../data/answers";
import { isRight, parseAnswers } from "../data/classifier";
import { answersHere, shareText } from "./answer";
import { createStore } from "./store";

describe("a probability in words", () => {
  it("has one decimal, and is not rounded to all or nothing", () => {
    expect([1, 0.932, 0.0049, 0.05, 0].map(shareText)).toEqual([
      ...["100.0 %", "93.2 %", "0.5 %", "5.0 %", "0.0 %"],
    ]);
    expect([0.9999, 1e-6, null, undefined].map(shareText)).toEqual([
      ...[">99.9 %", "<0.1 %", "NaN", "NaN"],
    ]);
  });
});

describe("the answer of /answers", () => {
  const json = {
    ...{ form: "softmax", classes: 3, omitted: null, examples: [0, 4], right: [2, null] },
    ...{
      step: [0, 5],
      top: [
        [
          [2, 0, 1],
          [1, 0, 2],
        ],
        null,
      ],
    },
    ...{
      probabilities: [
        [
          [0.9, 0.1, 0],
          [null, 0, 0],
        ],
        null,
      ],
      right_probabilities: [[0.9, null], null],
    },
  };

  it("is right where the likeliest class is, and not known to be where there is none", () => {
    const answers = parseAnswers(json, "a", "out");
    expect([answers.run, answers.tag]).toEqual(["a", "out"]);
    expect(isRight(answers, 0, 0)).toBe(true);
    expect(isRight({ ...answers, right: [1, null] }, 0, 0)).toBe(false);
    expect([isRight(answers, 0, 1), isRight(answers, 1, 0), isRight(answers, 0, -1)]).toEqual([
      ...[null, null, null],
    ]);
  });

  it("names what is missing", () => {
    expect(() => parseAnswers({ ...json, top: 3 }, "a", "out")).toThrow("top is not a list");
  });

  it("is of the step shown, and while the last one is followed the last of the run", () => {
    const store = createStore();
    const steps = { ...parseAnswers(json, "a", "out"), step: [0, 5, 9] };
    store.facts.value = { run: "a", classifiers: ["out"] } as unknown as typeof store.facts.value;
    store.answered.value = steps;
    const at = (step: number, follow: boolean) => {
      store.view.value = { run: "a", info: { step } } as unknown as LayerView;
      store.follow.value = follow;
      return answersHere(store)?.at;
    };
    // As where an input was logged once, at the first step.
    expect([at(0, false), at(7, false), at(9, false)]).toEqual([0, 1, 2]);
    expect([at(0, true), at(9, true)]).toEqual([2, 2]);
  });
});
