import { describe, expect, it } from "vitest";
import { cutOf, hitOf } from "./names";

const NAME = "conv5_block2_1_relu";
/** Letters of 7 pixels, but for a wide one. */
const width = (text: string) => [...text].reduce((sum, one) => sum + (one === "W" ? 14 : 7), 0);
const endOf = (name: string, room: number, search = "") =>
  name.slice(cutOf(name, room, hitOf(name, search), width));
const end = (room: number, search = "") => endOf(NAME, room, search);

describe("cutOf", () => {
  it("keeps the end, as much of it as takes seven tenths of the room", () => {
    expect(end(90)).toBe("2_1_relu");
    expect(end(0)).toBe("u");
  });

  it("cuts nothing that fits, to the pixel", () => {
    expect(end(2000)).toBe(NAME);
    expect(end(19 * 7)).toBe(NAME);
    expect(end(19 * 7 - 1)).not.toBe(NAME);
  });

  it("measures letters: of wide ones fewer fit", () => {
    expect(endOf("aaaaWWWWWWWW", 100)).toBe("WWWWW");
    expect(endOf("WWWWWWWWaaaa", 100)).toBe("WWWaaaa");
  });

  it("begins the end where a part of the name does, if one does nearby", () => {
    expect(endOf("block/attention_scores", 140)).toBe("_scores");
    expect(endOf("encoder/layer/attention", 130)).toBe("/attention");
    expect(endOf("encoder/bottleneck/out", 120)).toBe("/out");
  });

  it("loses neither the last word nor a number to that", () => {
    expect(endOf("encoder/transformation", 140)).toBe("transformation");
    expect(endOf("encoder/normalization_1", 140)).toBe("ormalization_1");
    expect(endOf("model/stage12_block3", 120)).toBe("age12_block3");
  });

  it("begins the end with what was searched for, where there is room", () => {
    expect(end(120, "BLOCK2")).toBe("block2_1_relu");
    expect(end(90, "block2")).toBe("2_1_relu");
    expect(end(120, "conv5")).toBe("lock2_1_relu");
  });
});

describe("hitOf", () => {
  it("finds without regard to case, and nothing for nothing", () => {
    expect(hitOf(NAME, "BLOCK2")).toEqual([6, 12]);
    expect(hitOf(NAME, " ")).toEqual([19, 19]);
    expect(hitOf(NAME, "x")).toEqual([19, 19]);
  });
});
