import { describe, expect, it } from "vitest";
import type { StatsTable, StepIndex, StepInfo } from "../data/answers";
import { leaderAt, leaderText, leadOf, strongest } from "./leads";

/** Statistics of two targets × three channels of 2×5 positions: the means alone count. */
function logged(means: readonly (readonly number[])[], explained: object = {}) {
  const told = { parts: 3, summed: false, ...explained };
  const infos = means.map(
    (_, i) =>
      ({ step: 10 * i, shape: [4, 2, 5, 6], batch: 4, explained: told }) as never as StepInfo,
  );
  const rows = means.map((row) => {
    const stats = new Float32Array(6 * 6);
    row.forEach((mean, id) => {
      stats[id * 6 + 2] = mean;
    });
    return stats;
  });
  const steps = infos.map(({ step }) => step);
  return leadOf({ steps: infos } as never as StepIndex, { steps, rows } as never as StatsTable);
}

const LEAD = logged([
  [0.5, 0.25, -1, 9, 9, 9],
  [0.25, 0.5, -1, 9, 9, 9],
  [0.25, 0.75, 0.5, 9, 9, 9],
])!;

describe("what the channels of an explained layer add", () => {
  it("is the mean over positions and examples, times the positions, of the first target", () => {
    expect(LEAD.sums.map((row) => [...row])).toEqual([
      [5, 2.5, -10],
      [2.5, 5, -10],
      [2.5, 7.5, 5],
    ]);
    expect(logged([[1]], { summed: true })).toBeNull();
    expect(logged([])).toBeNull();
  });

  it("names the channel that adds most, and since when", () => {
    expect(leaderAt(LEAD, null)).toEqual({ channel: 1, sum: 7.5, step: 20, since: 10 });
    expect(leaderAt(LEAD, 19)).toEqual({ channel: 1, sum: 5, step: 10, since: 10 });
    expect(leaderAt(LEAD, 0)).toEqual({ channel: 0, sum: 5, step: 0, since: 0 });
    expect(leaderAt(LEAD, -1)).toBeNull();
    const said = "channel 1 adds most since step 10: 7.50 at step 20, the mean over all 4 examples";
    expect(leaderText(LEAD, leaderAt(LEAD, 25)!)).toBe(said);
  });

  it("leaves out what is not a number", () => {
    const broken = logged([
      [Number.NaN, 1, 0],
      [Number.NaN, Number.NaN, Number.NaN],
    ])!;
    expect(leaderAt(broken, 5)?.channel).toBe(1);
    expect(leaderAt(broken, 10)).toBeNull();
  });

  it("chooses those that count most at any step, the one that adds most at the last first", () => {
    expect(strongest(LEAD, 2)).toEqual([1, 2]);
    expect(strongest(LEAD, 7)).toEqual([1, 2, 0]);
  });
});
