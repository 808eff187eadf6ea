import { describe, expect, it } from "vitest";
import { isRight, parseAnswers } from "../data/classifier";
import { shareText } from "./answer";

describe("a probability in words", () => {
  it("has three digits, and is not rounded to all or nothing", () => {
    expect([1, 0.932, 0.0049, 0.05, 0].map(shareText)).toEqual([
      ...["100 %", "93.2 %", "0.5 %", "5 %", "0 %"],
    ]);
    expect([0.9999, 1e-6, null, undefined].map(shareText)).toEqual([
      ...[">99.9 %", "<0.01 %", "NaN", "NaN"],
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
});
