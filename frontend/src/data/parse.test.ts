import { describe, expect, it } from "vitest";
import { AnswerError } from "./json";
import { parseOverview, parseSteps, parseTags } from "./parse";

const STATS = ["min", "max", "mean", "std", "zeros", "nonfinite"];
const KIND = {
  shape: [2, 8, 8, 4],
  batch: 64,
  channels: 16,
  channel_ids: [0, 5, 10, 15],
  examples: [0, 1],
  labels: ["a", "b"],
  dtype: "float16",
  scale: 0.5,
};
const STEPS = {
  ...{ complete: true, sampled: true, source: "files", stats: STATS, count: 3, since: 0 },
  ...{ step: [3, 10, 10], time: [12500, 1000, 250], kind: [0, 2, 1, 1] },
  kinds: [KIND, { ...KIND, labels: null, scale: 2 }],
};
/** Half a second apart, from a position on. */
const grown = (since: number, steps: number[], times: number[]) => ({
  ...STEPS,
  ...{ since, count: since + steps.length, step: steps, time: times },
  ...{ kind: [0, steps.length], kinds: [KIND] },
});

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
  it("keep what was stored of batch and channels, and when", () => {
    const index = parseSteps(STEPS, "run", "tag");
    expect(index).toMatchObject({ sampled: true, live: true, count: 3, run: "run" });
    expect(index?.steps.map(({ step, wallTime }) => [step, wallTime])).toEqual([
      [3, 12.5],
      [13, 13.5],
      [23, 13.75],
    ]);
    expect(index?.steps[0]).toMatchObject({
      batch: 64,
      channelIds: [0, 5, 10, 15],
      omitted: null,
    });
    expect(index?.steps.map(({ scale }) => scale)).toEqual([0.5, 0.5, 2]);
    expect(index?.steps.map(({ labels }) => labels)).toEqual([["a", "b"], ["a", "b"], null]);
  });

  it("tell labels that are not said from those that are not there", () => {
    const { labels, ...kind } = KIND;
    const index = parseSteps({ ...STEPS, kinds: [kind, kind] }, "r", "t");
    expect(index?.steps[0]?.labels).toBeUndefined();
  });

  it("go on from those that were there before", () => {
    const first = parseSteps(STEPS, "r", "t")!.steps;
    const more = parseSteps(grown(2, [23, 1], [13750, 100]), "r", "t", first);
    expect(more?.steps.map(({ step }) => step)).toEqual([3, 13, 23, 24]);
    expect(more?.steps[0]).toBe(first[0]);
  });

  it("are others where the last of those is not there any more, or another one", () => {
    const first = parseSteps(STEPS, "r", "t")!.steps;
    expect(parseSteps(grown(2, [23, 1], [13751, 100]), "r", "t", first)).toBeNull();
    expect(parseSteps(grown(2, [24], [13750]), "r", "t", first)).toBeNull();
    expect(parseSteps(grown(2, [], []), "r", "t", first)).toBeNull();
  });

  it("refuse statistics or a dtype they do not know, and say which", () => {
    expect(() => parseSteps({ ...STEPS, stats: ["max"] }, "r", "t")).toThrow("statistics are max");
    const kinds = [{ ...KIND, dtype: "int8" }];
    expect(() => parseSteps({ ...STEPS, kinds }, "r", "t")).toThrow("dtype is int8");
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
        update: { step: 1, seconds: 0.42, share: null, bytes: 2300 },
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
    expect(overview.update).toEqual({ step: 1, seconds: 0.42, share: null, bytes: 2300 });
  });
});
