import { describe, expect, it } from "vitest";
import type { Overview } from "../../data/answers";
import { treeRows } from "./tree";

const layer = (tag: string) => {
  const none = { order: null, shape: [1, 2], batch: 1, channels: 2, columns: [], at: null };
  return [tag, { tag, kind: "activation", ...none }] as const;
};

describe("the tree", () => {
  it("has a name for every layer, whatever its tag ends in", () => {
    const layers = new Map(["a", "a/", "a/b", "c/"].map(layer));
    const overview = { columns: [], layers } as unknown as Overview;
    const rows = treeRows(overview, null, new Set(), { search: "", only: [] }, "model");
    expect(rows.map(({ name, path, layer }) => [name, path, layer !== null])).toEqual([
      ["a", "a", true],
      ["a", "a/", false],
      ["a/", "a/", true],
      ["b", "a/b", true],
      ["c/", "c/", true],
    ]);
  });
});
