import { describe, expect, it } from "vitest";
import type { LayerView } from "../data/answers";
import { parseFacts } from "../data/facts";
import { doubtText } from "./doubts";

const CHECK = {
  ...{ method: "lrp", parameters: { gamma: "inf" }, layer: null },
  ...{ verdict: "fails", step: 4, likeness: 0.987 },
};
const SUM = { score: 1, probability: null, whole: 1, gap: null, error: null };

function said(values: number[], sum: Partial<typeof SUM> | object = {}, checks: object[] = []) {
  const explained = { method: "lrp", parameters: { gamma: "inf" }, layer: null };
  const bits = Uint16Array.from(values, (value) => (value === 0 ? 0x8000 : 0x3c00));
  const view = { run: "r", info: { explained }, planeSize: 2, half: bits } as unknown as LayerView;
  const state = {
    facts: { value: parseFacts({ randomization: checks }, "r") },
    maps: { value: { against: null } },
  } as unknown as Parameters<typeof doubtText>[0];
  return doubtText(state, view, 1, { ...SUM, ...sum });
}

describe("what speaks against a map", () => {
  it("is nothing where nothing does, and a gap is told by words as well", () => {
    expect(said([0, 0, 1, 0])).toEqual({ text: "", kind: "", sentence: "" });
    expect(said([1, 1, 1, 0], { gap: 0.02 })).toEqual({
      text: "gap 2 %",
      kind: "",
      sentence: "",
    });
    const high = said([1, 1, 1, 0], { gap: 0.1 });
    expect(high).toMatchObject({ text: "gap 10 %, high", kind: "high" });
    expect(high.sentence).toBe("10 % of the score is not accounted for.");
    expect(said([1, 1, 1, 0], { gap: 3 })).toMatchObject({
      text: "gap 300 %, very high",
      kind: "veryhigh",
    });
  });

  it("is a check of the same method, options and layer that it fails", () => {
    const { text, kind, sentence } = said([1, 1, 1, 0], { gap: 0.02 }, [CHECK]);
    expect([text, kind]).toEqual(["gap 2 %, fails check", "veryhigh"]);
    expect(sentence).toContain("lrp fails the randomization check on this model (step 4)");
    expect(sentence).toContain("0.99");
    const others = [
      { ...CHECK, parameters: { gamma: 0.25 } },
      { ...CHECK, layer: "conv" },
      { ...CHECK, method: "gradients" },
      { ...CHECK, verdict: "passes" },
    ];
    expect(said([1, 1, 1, 0], {}, others).text).toBe("");
  });

  it("is an error above the values, and a map of zeros of either sign", () => {
    expect(said([1, 1, 1, 0], { error: 1 }).text).toBe("");
    expect(said([1, 1, 1, 0], { error: 1.25 })).toMatchObject({
      text: "mostly noise",
      sentence: "The standard error is 1.3 times the values.",
    });
    expect(said([1, 1, 0, 0], { gap: 1 })).toMatchObject({ text: "all zero", kind: "veryhigh" });
  });
});
