import { describe, expect, it } from "vitest";
import { cutOf, hitOf } from "./names";

const NAME = "conv5_block2_1_relu";
const end = (room: number, search = "") => NAME.slice(cutOf(NAME, room, hitOf(NAME, search)));

describe("cutOf", () => {
  it("keeps the end, as much of it as takes seven tenths of the room", () => {
    expect(end(90)).toBe("2_1_relu");
    expect(end(2000)).toBe(NAME);
    expect(end(0)).toBe("u");
  });

  it("begins the end with what was searched for, where there is room", () => {
    expect(end(120, "BLOCK2")).toBe("block2_1_relu");
    expect(end(90, "block2")).toBe("2_1_relu");
    expect(end(120, "conv5")).toBe("ock2_1_relu");
  });
});

describe("hitOf", () => {
  it("finds without regard to case, and nothing for nothing", () => {
    expect(hitOf(NAME, "BLOCK2")).toEqual([6, 12]);
    expect(hitOf(NAME, " ")).toEqual([19, 19]);
    expect(hitOf(NAME, "x")).toEqual([19, 19]);
  });
});
