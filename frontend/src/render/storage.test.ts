import { describe, expect, it } from "vitest";
import { stackOf, TileSource } from "./planes";
import { coarseStep, zerosText } from "./storage";

/** A plane of each channel, from the bits that storing left, scale 2^-16. */
function source(...planes: number[][]): TileSource {
  const [width, scale] = [planes[0]!.length, 2 ** -16];
  const shape = { planes: planes.length, height: 1, width, scale };
  return new TileSource(stackOf(Float32Array.from(planes.flat()), shape));
}

const INFO = { dtype: "float16", scale: 2 ** -16, batch: 2, shape: [1, 1, 4, 2] } as const;
const row = (min: number, max: number, std: number, zeros: number) =>
  Float32Array.of(min, max, 0, std, zeros, 0);

describe("stored zeros that were none", () => {
  const tiles = source([0, 0, 0, 0], [0, 0, 5, 7]);

  it("are below what half precision keeps beside the largest value of the layer", () => {
    // 2^-25 · 2^-16 = 4.547e-13.
    expect(zerosText(tiles, 0, INFO, row(1e-30, 1e-20, 0, 0))).toBe("below 4.6e-13");
    expect(zerosText(tiles, 0, INFO, row(-1e-20, -1e-30, 0, 0))).toBe("above -4.6e-13");
    expect(zerosText(tiles, 1, INFO, row(-0.1, 0.1, 0, 0.125))).toBe("within ±4.6e-13");
  });

  it("are zeros as far as the statistics count as many", () => {
    // Of the 8 values of the channel 2 were zero, and so may each of the two stored be.
    expect(zerosText(tiles, 1, INFO, row(0, 0.1, 0, 0.25))).toBeNull();
    expect(zerosText(tiles, 0, INFO, row(0, 0, 0, 1))).toBeNull();
    expect(zerosText(tiles, 0, INFO, null)).toBeNull();
  });

  it("are counted over the three colours of a picture", () => {
    const picture = source([0, 1], [1, 1], [1, 0]);
    const info = { ...INFO, batch: 1, shape: [1, 1, 2, 3] };
    expect(zerosText(picture, -1, info, row(0, 1, 1, 2 / 6))).toBeNull();
    expect(zerosText(picture, -1, info, row(0, 1, 1, 1 / 6))).toBe("below 4.6e-13");
  });

  it("are bounded from above, whatever the power of two", () => {
    for (let power = -100; power < 60; power++) {
      const info = { ...INFO, scale: 2 ** power };
      const said = zerosText(tiles, 0, info, row(1e-38, 1, 1, 0))!;
      const bound = Number(said.replace("below ", ""));
      expect(bound).toBeGreaterThan(2 ** (power - 25));
      expect(bound).toBeLessThan(1.12 * 2 ** (power - 25));
    }
  });
});

describe("values stored more coarsely than they vary", () => {
  const info = { ...INFO, scale: 16 };

  it("are named with the step of the largest", () => {
    expect(coarseStep(info, row(999_996, 1_000_004, 1, 0))).toBe(512);
    expect(coarseStep({ ...info, dtype: "float32", scale: 1 }, row(0.9e6, 1e6, 1, 0))).toBeNull();
  });

  it("are none where the step is finer, or where they do not vary", () => {
    expect(coarseStep(info, row(0, 1_000_004, 600, 0))).toBeNull();
    expect(coarseStep(info, row(1e6, 1e6, 0, 0))).toBeNull();
  });

  it("may be far under the largest value of the layer", () => {
    // The smallest number beside 16 · 65,504 is 16 · 2^-24.
    expect(coarseStep(info, row(-1e-9, 1e-9, 1e-9, 0))).toBe(2 ** -20);
  });
});
