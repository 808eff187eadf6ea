import { describe, expect, it } from "vitest";
import type { LayerHealth, LayerOverview, Overview } from "../data/answers";
import { healthText } from "./healthText";

/** A layer of 4 channels by how many are dead and how many not finite, at steps 0, 10, …; null: not logged. */
function layer(tag: string, counts: readonly (readonly [number, number] | null)[]): LayerOverview {
  const columns = counts.map((of, i): LayerHealth | null => {
    const known = { step: 10 * i, rms: 1, largest: 1, constant: 0 };
    return of && { ...known, dead: of[0], nonfinite: of[1] };
  });
  const none = { kind: "activation", order: null, shape: [2, 4], batch: 2, channels: 4 } as const;
  return { ...none, tag, columns, at: columns.findLast(Boolean) ?? null };
}

function overview(layers: readonly LayerOverview[], width = 1): Overview {
  const columns = layers[0]!.columns.map((_, i) => [10 * i, 10 * i + width - 1] as const);
  const run = { run: "r", complete: true, sampled: false, firstNonfinite: null, update: null };
  const steps = { first: 0, last: 10 * (columns.length - 1), count: columns.length };
  return { ...run, steps, columns, layers: new Map(layers.map((one) => [one.tag, one])) };
}

const LAYERS = [
  layer("a", [
    [1, 0],
    [0, 0],
    [2, 0],
    [2, 1],
  ]),
  layer("late", [null, null, [4, 0], null]),
  layer("well", [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ]),
];

describe("the health of a run in words", () => {
  it("says of each layer how many channels, and from which step on without a break", () => {
    expect(healthText(overview(LAYERS), null)).toBe(
      "Run r, step 30: Channels not finite: a (1 of 4, since step 30). " +
        "Channels dead: a (2 of 4, since step 20), late (4 of 4, since step 20). " +
        "Channels constant: none.",
    );
  });

  it("is of the step that is shown, and of nothing that came later", () => {
    expect(healthText(overview(LAYERS), 0)).toContain("dead: a (1 of 4, since step 0). ");
    expect(healthText(overview(LAYERS), 10)).toContain("dead: none. ");
  });

  it("says of a name that is a number that it is a layer's", () => {
    expect(healthText(overview([layer("5", [[1, 0]])]), null)).toContain("dead: layer 5 (1 of 4,");
  });

  it("is vague about the step where a column stands for several", () => {
    const text = healthText({ ...overview(LAYERS, 10), complete: false }, null);
    expect(text).toContain("step 30, still being read: ");
    expect(text).toContain("since about step 20)");
  });
});
