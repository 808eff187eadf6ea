import { describe, expect, it } from "vitest";
import type { Kind, LayerHealth, LayerOverview, Overview } from "../../data/answers";
import { treeRows } from "./tree";

function overview(layers: readonly (readonly [string, Kind, number, number])[]): Overview {
  const rows = layers.map(([tag, kind, rms, nonfinite]): LayerOverview => {
    const health: LayerHealth = { step: 0, rms, largest: rms, dead: 0, constant: 0, nonfinite };
    const known = { tag, kind, order: null, shape: [4, 8, 8, 2], batch: 4, channels: 2 };
    return { ...known, columns: [health], at: health };
  });
  return {
    ...{ run: "r", complete: true, sampled: false, steps: { first: 0, last: 0, count: 1 } },
    ...{ columns: [[0, 0]], firstNonfinite: null, update: null },
    layers: new Map(rows.map((row) => [row.tag, row])),
  };
}

const rowsOf = (of: Overview) => treeRows(of, null, new Set(), { search: "", only: [] }, "model");

describe("attributions in the tree", () => {
  it("are a group of their own, be it of one, with strips on scales of their own", () => {
    const rows = rowsOf(
      overview([
        ["input", "input", 1, 0],
        ["attribution/grad_cam", "attribution", 1e-6, 0],
        ["conv/a", "activation", 1, 0],
      ]),
    );
    const said = rows.map(({ path, name, level, alone }) => [path, name, level, alone]);
    expect(said).toEqual([
      ["input", "input", 0, false],
      ["attribution/", "attribution", 0, true],
      ["attribution/grad_cam", "grad_cam", 1, true],
      ["conv/a", "conv/a", 0, false],
    ]);
    expect(rows[1]?.badge.text).toBe("1 map");
    expect(rows[2]?.badge.title).toMatch(/^2 maps an example$/);
  });

  it("of one channel are called one", () => {
    const of = overview([["conv", "activation", 1, 0]]);
    const layers = new Map([["conv", { ...of.layers.get("conv")!, channels: 1 }]]);
    expect(rowsOf({ ...of, layers })[0]?.badge.title).toBe("1 channel");
  });

  it("of a layer name the channel that adds most, but where something is wrong", () => {
    const lead = { steps: [0], sums: [Float64Array.of(1, 3)], examples: 2 };
    const leads = new Map([["attribution/gradients/conv", lead]]);
    const badgeOf = (nonfinite: number) => {
      const of = overview([["attribution/gradients/conv", "attribution", 5, nonfinite]]);
      return treeRows(of, null, new Set(), { search: "", only: [] }, "model", leads)[1]?.badge;
    };
    expect(badgeOf(0)?.text).toBe("ch 1");
    expect(badgeOf(0)?.title).toMatch(/^channel 1 adds most since step 0: 3.*; 2 maps an example$/);
    expect(badgeOf(1)?.text).toBe("1 non-finite");
  });

  it("of a layer stand by method and layer, and a group shows no strength but what is not finite", () => {
    const rows = rowsOf(
      overview([
        ["attribution/gradients", "attribution", 5, 0],
        ["attribution/gradients/conv", "attribution", 3, 0],
      ]),
    );
    expect(rows.map(({ name }) => name)).toEqual(["attribution", "gradients", "gradients/conv"]);
    expect(rows[0]?.columns).toEqual([null]);
    const broken = rowsOf(overview([["attribution/gradients", "attribution", 5, 1]]));
    expect(broken[0]?.columns[0]?.nonfinite).toBe(1);
    expect(broken[0]?.badge.kind).toBe("nonfinite");
  });
});
