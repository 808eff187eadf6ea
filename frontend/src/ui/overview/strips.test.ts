import { describe, expect, it } from "vitest";
import type { LayerHealth } from "../../data/answers";
import { bucketRows } from "./strips";

function health(fields: Partial<LayerHealth>): LayerHealth {
  return { step: 0, rms: 1, largest: 1, dead: 0, constant: 0, nonfinite: 0, ...fields };
}

describe("the map", () => {
  it("keeps the worst where layers are more than pixels: one NaN never vanishes", () => {
    const rows = Array.from({ length: 500 }, (_, i) => [health(i === 333 ? { nonfinite: 1 } : {})]);
    const map = bucketRows(rows, 160);
    expect(map).toHaveLength(160);
    expect(map.flat().filter((h) => h?.nonfinite === 1)).toHaveLength(1);
    expect(map.findIndex(([h]) => h?.nonfinite === 1)).toBe(Math.floor((333 * 160) / 500));
  });

  it("is one row a layer where they fit", () => {
    const rows = [[health({})], [null]];
    expect(bucketRows(rows, 160)).toBe(rows);
  });
});
