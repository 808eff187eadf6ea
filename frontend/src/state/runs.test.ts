import { describe, expect, it } from "vitest";
import type { TagInfo } from "../data/answers";
import { matchingRuns, type RunHealth, runEntries, whenText } from "./runs";

const tag = (wallTime: number | null): TagInfo => {
  return { tag: "t", layer: null, kind: "activation", order: null, description: "", wallTime };
};
const ENTRIES = runEntries(
  new Map([
    ["lr=0.1,seed=1", [tag(10)]],
    ["lr=0.1,seed=2", [tag(5), tag(30)]],
    ["b", [tag(20)]],
    ["a", [tag(20)]],
  ]),
);

describe("runs", () => {
  it("come newest first, by name where they are of one time", () => {
    expect(ENTRIES.map(({ run }) => run)).toEqual(["lr=0.1,seed=2", "a", "b", "lr=0.1,seed=1"]);
    expect(runEntries(new Map([["x", [tag(null)]]]))).toEqual([{ run: "x", written: 0 }]);
  });

  it("are found by parts of their names and by what is wrong with them", () => {
    const dead: RunHealth = { written: 20, kind: "dead", text: "75 % dead", title: "" };
    const find = (search: string) =>
      matchingRuns(ENTRIES, search, new Map([["a", dead]])).map(({ run }) => run);
    expect(find("")).toHaveLength(4);
    expect(find("0.1 SEED=1")).toEqual(["lr=0.1,seed=1"]);
    expect(find("dead")).toEqual(["a"]);
    expect(find("seed dead")).toEqual([]);
  });

  it("say the time of today, and the date before", () => {
    const now = new Date(2026, 4, 6, 12);
    const at = (...parts: [number, number, number, number, number]) =>
      whenText(new Date(...parts).getTime() / 1000, now);
    expect(at(2026, 4, 6, 9, 5)).toBe("09:05");
    expect(at(2026, 4, 5, 23, 5)).toBe("2026-05-05");
    expect(whenText(0, now)).toBe("");
  });
});
