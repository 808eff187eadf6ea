import { describe, expect, it } from "vitest";
import type { Kind, LayerHealth, LayerOverview, Overview } from "../data/answers";
import { byChange, changeOf, changeTitle, mostChanged } from "./changes";

const none = { order: null, shape: [4, 2], batch: 4, channels: 2 };

/** A layer by its RMS at steps 0, 10, …; null: it is not finite there, undefined: not logged. */
function layer(
  tag: string,
  rms: readonly (number | null | undefined)[],
  kind: Kind = "activation",
) {
  const columns = rms.map((value, i): LayerHealth | null =>
    value === undefined
      ? null
      : { step: 10 * i, rms: value, largest: value, dead: 0, constant: 0, nonfinite: 0 },
  );
  return { tag, kind, ...none, columns, at: columns.findLast(Boolean) ?? null };
}

function overview(...layers: readonly LayerOverview[]): Overview {
  const columns = layers[0]!.columns.map((_, i) => [10 * i, 10 * i] as const);
  const run = {
    run: "r",
    complete: true,
    sampled: false,
    steps: null,
    firstNonfinite: null,
    update: null,
  };
  return { ...run, columns, layers: new Map(layers.map((one) => [one.tag, one])) };
}

const textOf = (rms: readonly (number | null | undefined)[], step: number | null = null) => {
  const one = layer("a", rms);
  return changeOf(overview(one), one, step)?.text;
};

describe("how much a layer changed", () => {
  it("is the ratio to its step before, up or down, and a word where there is none", () => {
    expect(textOf([1, 2.5])).toBe("×2.50");
    expect(textOf([5, 2])).toBe("÷2.50");
    expect(textOf([2, 2])).toBe("×1.00");
    expect([textOf([0, 2]), textOf([2, 0]), textOf([0, 0])]).toEqual(["from 0", "to 0", "×1.00"]);
    expect([textOf([1, null]), textOf([null, 1])]).toEqual(["to NaN", "from NaN"]);
  });

  it("is of the step asked for, and of the layer's own steps where it was not logged between", () => {
    expect(textOf([1, 2, 8], 10)).toBe("×2.00");
    expect(textOf([1, undefined, 8], 20)).toBe("×8.00");
    const late = layer("a", [1, undefined, 8]);
    expect(changeTitle(changeOf(overview(late), late, 20)!)).toBe(
      "×8.00: RMS 1.000 at step 0, 8.000 at step 20",
    );
  });

  it("is unknown at a first step and of a layer that begins then", () => {
    expect([textOf([1, 2], 0), textOf([1]), textOf([undefined, 3])]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("orders layers, then what is none, ties as they were; the first is named", () => {
    const layers = [
      layer("same", [1, 1]),
      layer("late", [undefined, 9]),
      layer("input", [1, 100], "input"),
      layer("half", [4, 1]),
      layer("twice", [1, 2]),
    ];
    const all = overview(...layers);
    const order = byChange(layers, (one) => changeOf(all, one, null)).map(({ tag }) => tag);
    expect(order).toEqual(["half", "twice", "same", "late", "input"]);
    expect(mostChanged(all, null)).toMatchObject({ tag: "half", text: "÷4.00" });
    expect(mostChanged(overview(layers[0]!), null)).toBeNull();
    expect(mostChanged(all, 0)).toBeNull();
  });
});
