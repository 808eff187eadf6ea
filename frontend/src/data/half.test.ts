import { describe, expect, it } from "vitest";
import { decodeStored, halfToFloat } from "./half";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

describe("decodeStored", () => {
  it("reads half-precision bits: normal, subnormal, largest, infinities and NaN", () => {
    const bits = Uint16Array.of(
      0x3c00,
      0xc000,
      0x3555,
      0x0001,
      0x7bff,
      0x7c00,
      0xfc00,
      0x7e00,
      0x8000,
    );
    const values = decodeStored(bits);
    expect(Array.from(values)).toEqual([1, -2, 1365 / 4096, 2 ** -24, 65504, inf, -inf, nan, -0]);
  });

  it("hands float32 through without a copy", () => {
    const stored = Float32Array.of(1.5, nan);
    expect(decodeStored(stored)).toBe(stored);
  });

  it("agrees with the definition on all 65536 bit patterns in a table", () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = decodeStored(bits);
    for (const i of [0, 1, 1023, 1024, 31743, 33000, 64511]) expect(values[i]).toBe(halfToFloat(i));
  });
});
