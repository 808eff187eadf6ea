import { describe, expect, it } from "vitest";
import { AnswerError, parseOverview, parseSteps, parseTags } from "./parse";

const STATS = ["min", "max", "mean", "std", "zeros", "nonfinite"];
const STEP = {
  step: 3,
  wall_time: 12.5,
  shape: [2, 8, 8, 4],
  batch: 64,
  channels: 16,
  channel_ids: [0, 5, 10, 15],
  examples: [0, 1],
  labels: ["a", "b"],
  dtype: "float16",
  scale: 0.5,
};

describe("tags", () => {
  it("stand in model order, those without one after them by natural order of the name", () => {
    const tags = parseTags({
      run: {
        conv10: { kind: "activation", order: null, description: "" },
        conv9: { kind: "activation", order: null, description: "" },
        last: { kind: "activation", order: 2, description: "" },
        first: { kind: "input", order: 1, description: "" },
      },
    });
    expect(tags.get("run")?.map(({ tag }) => tag)).toEqual(["first", "last", "conv9", "conv10"]);
  });

  it("leave out a run that has none", () => {
    expect(parseTags({ empty: {} }).size).toBe(0);
  });
});

describe("steps", () => {
  it("keep what was stored of batch and channels", () => {
    const { steps, sampled } = parseSteps(
      { complete: true, sampled: true, stats: STATS, steps: [STEP] },
      "run",
      "tag",
    );
    expect(sampled).toBe(true);
    expect(steps[0]).toMatchObject({
      step: 3,
      batch: 64,
      channelIds: [0, 5, 10, 15],
      omitted: null,
    });
  });

  it("refuse statistics or a dtype they do not know, and say which", () => {
    const answer = { complete: true, sampled: false, stats: STATS, steps: [STEP] };
    expect(() => parseSteps({ ...answer, stats: ["max"] }, "r", "t")).toThrow("statistics are max");
    const steps = [{ ...STEP, dtype: "int8" }];
    expect(() => parseSteps({ ...answer, steps }, "r", "t")).toThrow("dtype is int8");
    expect(() => parseSteps([], "r", "t")).toThrow(AnswerError);
  });
});

describe("the overview", () => {
  it("has one entry a column, null where the layer has no step there", () => {
    const overview = parseOverview(
      {
        complete: true,
        sampled: false,
        steps: { first: 0, last: 1, count: 2 },
        columns: [
          [0, 0],
          [1, 1],
        ],
        tags: {
          conv: {
            kind: "activation",
            order: 0,
            shape: [1, 8, 8, 4],
            batch: 1,
            channels: 4,
            rms: [null, 2.5],
            largest: [null, 9],
            dead: [null, 1],
            constant: [null, 0],
            nonfinite: [null, 0],
            step: [null, 1],
          },
        },
        at: { conv: { step: 1, rms: 2.5, largest: 9, dead: 1, constant: 0, nonfinite: 0 } },
        first_nonfinite: { tag: "conv", step: 1 },
      },
      "run",
    );
    const conv = overview.layers.get("conv");
    expect(conv?.columns).toEqual([
      null,
      { step: 1, rms: 2.5, largest: 9, dead: 1, constant: 0, nonfinite: 0 },
    ]);
    expect(conv?.at?.dead).toBe(1);
    expect(overview.firstNonfinite).toEqual({ tag: "conv", step: 1 });
  });
});
