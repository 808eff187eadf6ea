import { describe, expect, it } from "vitest";
import { npyOf, pythonLine } from "./npy";

const text = (file: Uint8Array) => String.fromCharCode(...file.slice(10, 128));

describe("npyOf", () => {
  it("writes version 1.0 with the shape and float32 values times the scale", () => {
    const file = npyOf({
      dtype: "float16",
      scale: 0.5,
      shape: [1, 2],
      stored: Uint16Array.of(0x3c00, 0xc000),
    });
    expect(Array.from(file.slice(0, 8))).toEqual([0x93, 78, 85, 77, 80, 89, 1, 0]);
    const length = (file[8] as number) + 256 * (file[9] as number);
    expect((10 + length) % 64).toBe(0);
    expect(text(file)).toContain("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }");
    expect(Array.from(new Float32Array(file.slice(10 + length).buffer))).toEqual([0.5, -1]);
  });

  it("takes float64 where float32 would lose something", () => {
    const stored = Float32Array.of(1.5);
    const file = npyOf({ dtype: "float32", scale: 2 ** 200, shape: [1], stored });
    expect(text(file)).toContain("'<f8'");
    expect(text(file)).toContain("'shape': (1,)");
    expect(new Float64Array(file.slice(-8).buffer)[0]).toBe(1.5 * 2 ** 200);
  });
});

describe("pythonLine", () => {
  it("names address, type, shape and scale", () => {
    expect(pythonLine("http://x/tensor?a=1", { dtype: "float16", scale: 0.25 }, [4, 2])).toBe(
      "import numpy as np, urllib.request; values = np.frombuffer(urllib.request.urlopen(" +
        '"http://x/tensor?a=1").read(), "<f2").astype("f8").reshape(4, 2) * 2.0**-2',
    );
  });
});
