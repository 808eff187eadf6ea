import { describe, expect, it } from "vitest";
import { checkKey, middleOf, parseFacts, seenBy } from "./facts";

describe("what a position sees", () => {
  const field = { start: -3, size: 7, stride: 2 };

  it("moves with the position and is cut at the input's ends", () => {
    expect(seenBy(field, 0, 20)).toEqual({ from: 0, to: 0.2 });
    expect(seenBy(field, 4, 20)).toEqual({ from: 0.25, to: 0.6 });
    expect(seenBy(field, 9, 20)).toEqual({ from: 0.75, to: 1 });
  });

  it("has a middle as wide as the stride", () => {
    expect(middleOf(field, 4, 20)).toEqual({ from: 0.375, to: 0.475 });
    expect(middleOf({ start: 0, size: 1, stride: 0.5 }, 3, 10)).toEqual({ from: 0.15, to: 0.25 });
  });
});

describe("the answer of /run", () => {
  it("is read into fields by input and layer", () => {
    const facts = parseFacts({ receptive_fields: { input: { conv: [[-1, 3, 1]] } } }, "a");
    expect(facts.receptiveFields.get("input")?.get("conv")).toEqual([
      { start: -1, size: 3, stride: 1 },
    ]);
    expect(parseFacts({}, "a").receptiveFields.size).toBe(0);
    expect(() => parseFacts({ receptive_fields: { input: { conv: 3 } } }, "a")).toThrow("conv");
  });

  it("names the classes, or has none", () => {
    expect(parseFacts({ class_names: ["cat", "dog"] }, "a").classNames).toEqual(["cat", "dog"]);
    expect(parseFacts({ class_names: null }, "a").classNames).toBeNull();
    expect(parseFacts({}, "a").classNames).toBeNull();
    expect(() => parseFacts({ class_names: ["cat", 1] }, "a")).toThrow("class_names");
  });

  it("knows the methods that failed a check, by their options and layer", () => {
    const one = {
      method: "lrp",
      layer: null,
      parameters: { gamma: "inf" },
      step: 4,
      likeness: 0.9,
    };
    const passed = { ...one, parameters: { gamma: 0 }, verdict: "passes", likeness: null };
    const randomization = [{ ...one, verdict: "fails" }, passed];
    const { failed } = parseFacts({ randomization }, "a");
    expect([...failed]).toEqual([
      [checkKey("lrp", null, { gamma: "inf" }), { step: 4, likeness: 0.9 }],
    ]);
  });
});
