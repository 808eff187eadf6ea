import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCell,
  formatSeconds,
  formatShare,
  formatSpan,
  formatValue,
} from "./format";

describe("formatValue", () => {
  it("has decimals that follow the range", () => {
    expect(formatValue(0.43214, 3.2)).toBe("0.4321");
    expect(formatValue(12.3456, 255)).toBe("12.35");
    expect(formatValue(-0.00123456, 0.01)).toBe("-0.001235");
    expect(formatValue(123456.7, 200000)).toBe("123457");
  });

  it("takes exponents for ranges of 1e8 and 1e-8", () => {
    expect(formatValue(1.23456e8, 2e8)).toBe("1.2346e+8");
    expect(formatValue(-3.14159e-9, 1e-8)).toBe("-3.1416e-9");
  });

  it("says NaN and infinities in words, zero as 0, and no other value as zero", () => {
    expect(formatValue(Number.NaN, 1)).toBe("NaN");
    expect(formatValue(Number.POSITIVE_INFINITY, 1)).toBe("+Inf");
    expect(formatValue(Number.NEGATIVE_INFINITY, 1)).toBe("-Inf");
    expect(formatValue(0, 1e-9)).toBe("0");
    expect(formatValue(1.234e-7, 1)).toBe("1.23e-7");
  });

  it("follows the value itself where the range has no width", () => {
    expect(formatValue(2.5, 0)).toBe("2.5000");
  });
});

describe("formatSpan", () => {
  it("gives both ends four digits", () => {
    expect(formatSpan({ lo: 0, hi: 3.2149 })).toEqual(["0", "3.215"]);
    expect(formatSpan({ lo: -1e-8, hi: 2e-8 })).toEqual(["-1.000e-8", "2.000e-8"]);
  });

  it("adds digits where a narrow window far from zero needs them", () => {
    expect(formatSpan({ lo: 100.001, hi: 100.003 })).toEqual(["100.00100", "100.00300"]);
  });
});

describe("formatShare", () => {
  it("rounds, but never to nothing or all", () => {
    expect([0, 0.0004, 0.004, 0.312, 0.999, 1].map(formatShare)).toEqual([
      "0 %",
      "< 0.1 %",
      "0.4 %",
      "31 %",
      "> 99 %",
      "100 %",
    ]);
  });
});

describe("formatCell", () => {
  it("writes what is far under the range with as many decimals as the rest", () => {
    expect([0.25, 1e-9, 0, -0.04].map((value) => formatCell(value, 1, 3))).toEqual([
      "0.25",
      "0.00",
      "0",
      "-0.04",
    ]);
    expect([-1e-9, -0.0004].map((value) => formatCell(value, 1, 3))).toEqual(["0.00", "0.00"]);
  });

  it("writes what would be nothing but zeros as its magnitude, where there is room", () => {
    expect([-4e-7, 2e-9, 0].map((value) => formatCell(value, 0.01, 4))).toEqual([
      "-4e-7",
      "2e-9",
      "0",
    ]);
  });

  it("marks what is not zero with a point where there is no room for decimals", () => {
    expect([0.3, -0.4, 0, 7].map((value) => formatCell(value, 13, 2))).toEqual([
      "0.",
      "-0.",
      "0",
      "7",
    ]);
  });
});

describe("formatSeconds and formatBytes", () => {
  it("have two or three digits and a unit", () => {
    expect([0.0123, 0.42, 3.1234, 42.3, 0].map(formatSeconds)).toEqual([
      ...["12 ms", "0.42 s", "3.1 s", "42.3 s", "0 ms"],
    ]);
    expect([0, 999, 2300, 2_345_678, 45e6, 7.2e12].map(formatBytes)).toEqual([
      ...["0 B", "999 B", "2.3 kB", "2.3 MB", "45 MB", "7200 GB"],
    ]);
  });
});
