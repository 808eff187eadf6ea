import { describe, expect, it } from "vitest";
import { AnswerError } from "./json";
import { contrastOf, parseScores, scoresAt, sumOf } from "./scores";

const ANSWER = {
  step: [0, 20, 40],
  scores: [[[2, 1]], [[5, -1]], null],
  probabilities: [[[0.6, 0.4]], [[0.9, null]], null],
  baseline_scores: [[[1, 0]], [[1, 0]], null],
  gaps: [[[0.5, 0]], [[-0.1, 0.2]], null],
  errors: [[[1.5, 0]], [[0, 0]], null],
  targets: null,
};

describe("scores", () => {
  const scores = parseScores(ANSWER, "r", "t");

  it("say a gap as a share of what the values should add up to", () => {
    expect(sumOf(scoresAt(scores, 0), 0, 0)).toEqual({
      score: 2,
      probability: 0.6,
      whole: 1,
      gap: 0.5,
      error: 1.5,
    });
    expect(sumOf(scoresAt(scores, 20), 0, 1)).toMatchObject({
      probability: null,
      whole: -1,
      gap: 0.2,
    });
  });

  it("promise nothing where a method promises no sum, or a record is damaged", () => {
    const free = parseScores({ ...ANSWER, gaps: null, errors: undefined }, "r", "t");
    expect(sumOf(scoresAt(free, 0), 0, 0)).toMatchObject({
      score: 2,
      whole: null,
      gap: null,
      error: null,
    });
    expect(sumOf(scoresAt(scores, 40), 0, 0).score).toBe(null);
    expect(sumOf(scoresAt(scores, 30), 0, 0).score).toBe(null);
  });

  it("of two targets are the difference of theirs, and so is the gap", () => {
    const { score, whole, gap } = contrastOf(scoresAt(scores, 20), 0, 0, 1);
    expect([score, whole]).toEqual([6, 5]);
    expect(gap).toBeCloseTo(0.06);
  });

  it("are refused where a member has other steps", () => {
    expect(() => parseScores({ ...ANSWER, scores: [] }, "r", "t")).toThrow(AnswerError);
  });
});
