import { describe, expect, it } from "vitest";
import type { LayerHealth, LayerOverview, Overview } from "../data/answers";
import {
  defaultLayer,
  defaultRun,
  filmPositions,
  healthAt,
  inputsOf,
  positionAt,
  summarize,
} from "./choose";

function health(step: number, fields: Partial<LayerHealth> = {}): LayerHealth {
  return { step, rms: 1, largest: 2, dead: 0, constant: 0, nonfinite: 0, ...fields };
}

function layer(tag: string, shape: number[], columns: (LayerHealth | null)[]): LayerOverview {
  const channels = shape.at(-1) ?? 0;
  const kind = tag === "input" ? "input" : "activation";
  return { tag, kind, order: null, shape, batch: 4, channels, columns, at: columns.at(-1) ?? null };
}

function overview(layers: LayerOverview[], buckets: [number, number][]): Overview {
  return {
    run: "r",
    complete: true,
    sampled: false,
    steps: { first: 0, last: 9, count: 10 },
    columns: buckets,
    layers: new Map(layers.map((l) => [l.tag, l])),
    firstNonfinite: null,
    update: null,
  };
}

const STEPS: [number, number][] = [
  [0, 0],
  [5, 5],
];
const conv = layer("conv", [1, 8, 8, 4], [health(0), health(5, { dead: 1 })]);
const dense = layer("dense", [1, 10], [health(0), health(5, { dead: 5 })]);
const input = layer("input", [1, 28, 28, 1], [health(0), null]);

describe("what is shown first", () => {
  it("is the run most recently written", () => {
    const info = (wallTime: number | null) => [
      {
        tag: "t",
        kind: "activation" as const,
        order: null,
        description: "",
        wallTime,
        layer: null,
      },
    ];
    const runs = new Map([
      ["new", info(20)],
      ["old", info(10)],
    ]);
    expect(defaultRun(runs)).toBe("new");
    expect(defaultRun(new Map([...runs].map(([run]) => [run, info(null)])))).toBe("old");
    expect(defaultRun(new Map())).toBeNull();
  });

  it("is the first layer with non-finite values at the last step", () => {
    const bad = layer("bad", [1, 3], [health(0), health(5, { nonfinite: 1 })]);
    expect(defaultLayer(overview([input, dense, conv, bad], STEPS))).toBe("bad");
  });

  it("else the first activation with a plane of at least 8×8, else the first activation", () => {
    expect(defaultLayer(overview([input, dense, conv], STEPS))).toBe("conv");
    expect(defaultLayer(overview([input, dense], STEPS))).toBe("dense");
    expect(defaultLayer(overview([input], STEPS))).toBe("input");
  });
});

describe("the step shown", () => {
  const steps = [0, 10, 20].map((step) => ({ step }));
  it("is the last not after the one wished for, the first before all, the last for none", () => {
    expect([null, -1, 0, 9, 10, 25].map((s) => positionAt(steps, s))).toEqual([2, 0, 0, 0, 1, 2]);
  });
});

describe("health", () => {
  it("is read from the columns where each stands for a step", () => {
    const all = overview([conv, input], STEPS);
    expect(healthAt(all, conv, 3)?.step).toBe(0);
    expect(healthAt(all, conv, null)?.dead).toBe(1);
    expect(healthAt(all, input, 9)?.step).toBe(0);
    expect(
      healthAt(
        overview(
          [conv],
          [
            [0, 4],
            [5, 9],
          ],
        ),
        conv,
        0,
      ),
    ).toBe(conv.at);
  });

  it("counts dead channels of activations and names the layer with the largest share", () => {
    const all = overview([input, conv, dense], STEPS);
    expect(summarize(all, null)).toEqual({
      channels: 14,
      dead: 6,
      worst: { tag: "dense", share: 0.5 },
      nonfiniteLayers: [],
      floor: null,
      grown: null,
    });
  });

  it("names the layer whose RMS has grown out of all proportion", () => {
    const grown = (tag: string, from: number, to: number) =>
      layer(tag, [1, 8, 8, 4], [health(0, { rms: from }), health(5, { rms: to })]);
    const of = (...layers: LayerOverview[]) => summarize(overview(layers, STEPS), null).grown;
    const [a, b] = [grown("a", 1, 2), grown("b", 2, 3)];
    expect(of(a, b, grown("c", 0.5, 812.3))).toEqual({ tag: "c", times: 1600, since: 0 });
    expect(of(a, b, grown("c", 1, 99))).toBeNull();
    // Where all of them have, none is the one.
    expect(of(grown("a", 1, 200), grown("b", 1, 300), grown("c", 1, 400))).toBeNull();
    expect(of(a, grown("zero", 0, 5))).toBeNull();
    expect(summarize(overview([a, b, grown("c", 1, 500)], STEPS), 0).grown).toBeNull();
  });

  it("names the layer that made the lowest number of NaN, behind the layer that holds NaN", () => {
    const at = (tag: string, order: number, fields: object) => ({
      ...conv,
      tag,
      order,
      columns: [health(1, fields)],
      at: health(1, fields),
    });
    const broken = at("broken", 1, { nonfinite: 1 });
    for (const largest of [3.4028e38, 3.3895e38, 65504]) {
      const pool = at("pool", 2, { largest });
      expect(summarize(overview([broken, pool], [[1, 1]]), null).floor).toBe("pool");
      expect(summarize(overview([pool], [[1, 1]]), null).floor).toBeNull();
    }
    const other = at("other", 2, { largest: 9 });
    expect(summarize(overview([broken, other], [[1, 1]]), null).floor).toBeNull();
  });
});

describe("the film", () => {
  it("has at most twelve steps, the first and the last among them", () => {
    expect(filmPositions(0)).toEqual([]);
    expect(filmPositions(3)).toEqual([0, 1, 2]);
    expect(filmPositions(12)).toHaveLength(12);
    expect(filmPositions(14)).toEqual([0, 2, 4, 6, 8, 10, 12, 13]);
    for (let count = 1; count < 3000; count++) {
      const positions = filmPositions(count);
      expect(positions.length).toBeLessThanOrEqual(12);
      expect(positions.length).toBeGreaterThanOrEqual(Math.min(count, 7));
      expect([positions[0], positions.at(-1)]).toEqual([0, count - 1]);
      expect(new Set(positions).size).toBe(positions.length);
    }
  });

  it("keeps its steps where one more is logged, but for the last", () => {
    expect(filmPositions(1001).slice(0, -1)).toEqual(filmPositions(1000).slice(0, -1));
  });
});

describe("inputsOf", () => {
  const tags = (...names: string[]) => names.map((tag) => ({ tag }));

  it("chooses the inputs of the layer's own model among several", () => {
    const inputs = tags("generator/input", "real/input", "real/input.mask");
    expect(inputsOf(inputs, "real/conv/1")).toEqual(tags("real/input", "real/input.mask"));
    expect(inputsOf(inputs, "generator/g1")).toEqual(tags("generator/input"));
  });

  it("keeps all where none is the layer's own", () => {
    expect(inputsOf(tags("a/input", "b/input"), "real/conv")).toHaveLength(2);
    expect(inputsOf(tags("input", "input.b"), "block/conv")).toHaveLength(2);
  });
});
