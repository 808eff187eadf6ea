import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { inSlices } from "./slices";

/** Work of so many pieces, each of which takes so many milliseconds of the clock. */
function* pieces(count: number, milliseconds: number, begun: { count: number }) {
  for (let i = 0; i < count; i++) {
    begun.count++;
    vi.setSystemTime(Date.now() + milliseconds);
    yield;
  }
  return count;
}

describe("inSlices", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
    vi.spyOn(performance, "now").mockImplementation(() => Date.now());
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it("lets others have their turn between pieces, and says the result once", () => {
    const begun = { count: 0 };
    const found: number[] = [];
    inSlices(pieces(10, 2, begun), (result) => found.push(result));
    vi.advanceTimersByTime(29);
    expect(begun.count).toBe(0);
    vi.advanceTimersToNextTimer();
    expect(begun.count).toBe(2);
    expect(found).toEqual([]);
    vi.runAllTimers();
    expect(begun.count).toBe(10);
    expect(found).toEqual([10]);
  });

  it("says nothing of what was ended in its middle", () => {
    const begun = { count: 0 };
    const found: number[] = [];
    const end = inSlices(pieces(10, 2, begun), (result) => found.push(result));
    vi.advanceTimersToNextTimer();
    end();
    vi.runAllTimers();
    expect(begun.count).toBe(2);
    expect(found).toEqual([]);
  });
});
