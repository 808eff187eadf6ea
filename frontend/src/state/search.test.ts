import { describe, expect, it } from "vitest";
import { parseChannels } from "./search";

const ids = (text: string, channels = 64, stored: number[] | null = null) => {
  const found = parseChannels(text, channels, stored);
  return found && "ids" in found ? Array.from(found.ids) : found;
};

describe("parseChannels", () => {
  it("reads channels and ranges, in any spacing and direction", () => {
    expect(ids("12, 40-43")).toEqual([12, 40, 41, 42, 43]);
    expect(ids(" 3 - 1 ;7")).toEqual([1, 2, 3, 7]);
    expect(ids("1 2,2")).toEqual([1, 2]);
    expect(ids("5:6 8..9")).toEqual([5, 6, 8, 9]);
  });

  it("means all where nothing is written", () => {
    expect(ids("  ")).toBeNull();
  });

  it("cuts a range at the last channel", () => {
    expect(ids("62-900")).toEqual([62, 63]);
  });

  it("says what it cannot read, and what is not there", () => {
    expect(ids("12, 4x")).toEqual({ error: "“4x” is not a channel; write 12 or 40-48" });
    expect(ids("-3")).toEqual({ error: "“-3” is not a channel; write 12 or 40-48" });
    expect(ids("99")).toEqual({ error: "no channel 99; the layer has 0 to 63" });
    expect(ids("7", 64, [0, 63])).toEqual({ error: "not stored; 2 of 64 channels were kept" });
  });
});
