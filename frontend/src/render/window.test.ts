import { describe, expect, it } from "vitest";
import { DEFAULT_WINDOW } from "../data/choices";
import { AUTO_LEVELS, autoLimits, nextAutoLevel } from "./autoLimits";
import { FIRST_SHADE, LAST_SHADE, SHADES } from "./colormap";
import { limitsOf, lockedLimits } from "./limits";
import { stackOf, TileSource } from "./planes";
import { adjust, adjustmentOf, affineOf, dragged, WindowTable } from "./window";

const row = (values: number[], scale = 1, planes = 1) =>
  new TileSource(
    stackOf(Float32Array.from(values), { planes, height: 1, width: values.length / planes, scale }),
  );
const ramp = (n: number, lo: number, hi: number) =>
  Array.from({ length: n }, (_, i) => lo + ((hi - lo) * i) / (n - 1));

describe("affineOf", () => {
  it.each([
    [0, 1, 1],
    [-5, -2, 1],
    [1e8, 1.5e8, 2 ** 12],
    [1e-8, 3e-8, 2 ** -30],
    [-1e300, 1e300, 2 ** 990],
  ])("puts %d on the first shade and %d on the last", (lo, hi, scale) => {
    const { a, b } = affineOf({ lo, hi }, scale);
    expect(Math.floor((lo / scale) * a + b)).toBe(FIRST_SHADE);
    expect(Math.floor((hi / scale) * a + b)).toBe(LAST_SHADE);
    expect(Math.floor(((lo / 2 + hi / 2) / scale) * a + b)).toBeGreaterThanOrEqual(
      FIRST_SHADE + SHADES / 2 - 1,
    );
  });

  it("never yields anything but finite factors", () => {
    const { a, b } = affineOf({ lo: 0, hi: 0 }, 1);
    expect([Number.isFinite(a), Number.isFinite(b)]).toEqual([true, true]);
  });
});

describe("limitsOf", () => {
  it("gives a constant a width from zero, and nothing at all 0 to 1", () => {
    expect(limitsOf(3, 3)).toEqual({ lo: 0, hi: 3 });
    expect(limitsOf(-3, -3)).toEqual({ lo: -3, hi: 0 });
    expect(limitsOf(0, 0)).toEqual({ lo: 0, hi: 1 });
    expect(limitsOf(Number.NaN, Number.NaN)).toEqual({ lo: 0, hi: 1 });
  });
});

describe("autoLimits", () => {
  it("keeps the lower limit of a ReLU at zero, and its zeros out of the count", () => {
    // 600 zeros, then 400 values 1, 2 … 400: at 0.35 % of 400 nothing is cut but at 11 % each end loses 22.
    const relu = row([...new Array(600).fill(0), ...ramp(400, 1, 400)]);
    expect(autoLimits(relu, 0, 0)).toEqual({ lo: 0, hi: 400 });
    const tight = autoLimits(relu, 0, 5);
    expect(tight.lo).toBe(0);
    expect(tight.hi).toBeGreaterThan(374);
    expect(tight.hi).toBeLessThan(382);
  });

  it("clips tighter at each press, then starts over", () => {
    const even = row(ramp(10000, 0, 1));
    const widths = Array.from({ length: AUTO_LEVELS }, (_, level) => {
      const { lo, hi } = autoLimits(even, 0, level);
      return hi - lo;
    });
    for (let i = 1; i < widths.length; i++) expect(widths[i]).toBeLessThan(widths[i - 1] as number);
    // 0.35 % of 10000 is 17 whole values at each end, 11.2 % is 560.
    expect(widths[0]).toBeCloseTo(1 - 2 * 0.0017, 3);
    expect(widths[AUTO_LEVELS - 1]).toBeCloseTo(1 - 2 * 0.056, 3);
    expect(nextAutoLevel(AUTO_LEVELS - 1)).toBe(0);
  });

  it("is not decided by one far outlier", () => {
    const { lo, hi } = autoLimits(row([...ramp(499, 0, 1), 1e6]), 0, 0);
    expect(lo).toBeCloseTo(0, 6);
    expect(hi).toBeCloseTo(1, 6);
  });

  it.each([1e-8, 1e8])("works for ranges of %d, both signs and all negative", (unit) => {
    const both = autoLimits(row(ramp(500, -1, 1), unit), 0, 0);
    expect([both.lo / unit, both.hi / unit]).toEqual([-1, 1]);
    const negative = autoLimits(row(ramp(500, -3, -2), unit), 0, 0);
    expect(negative.lo / unit).toBeCloseTo(-3, 10);
    expect(negative.hi / unit).toBeCloseTo(-2, 10);
  });

  it("takes no notice of NaN and infinities", () => {
    const mixed = row([Number.NaN, Number.POSITIVE_INFINITY, ...ramp(100, 2, 4)]);
    expect(autoLimits(mixed, 0, 0)).toEqual({ lo: 2, hi: 4 });
  });

  it("falls back to all there is where every bin is ignored", () => {
    expect(autoLimits(row([1, 1, 2, 2]), 0, 0)).toEqual({ lo: 1, hi: 2 });
  });

  it("takes all planes together when asked", () => {
    expect(autoLimits(row([0, 1, 2, 3, 10, 11, 12, 13], 1, 2), null, 0)).toEqual({ lo: 0, hi: 13 });
  });
});

describe("brightness and contrast", () => {
  const base = { lo: 2, hi: 6 };
  const full = { lo: 0, hi: 10 };

  it("leave the base alone at zero", () => {
    expect(adjust(base, full, 0, 0)).toBe(base);
  });

  it("move the centre by shares of the full width, the width by powers of two", () => {
    expect(adjust(base, full, 0.1, 0)).toEqual({ lo: 1, hi: 5 });
    expect(adjust(base, full, 0, 1 / 6)).toEqual({ lo: 3, hi: 5 });
    expect(adjust(base, full, 0, -1 / 6)).toEqual({ lo: 0, hi: 8 });
  });

  it("are found again from the limits", () => {
    const wanted = { lo: 2.5, hi: 3.25 };
    const { brightness, contrast } = adjustmentOf(wanted, base, full);
    const got = adjust(base, full, brightness, contrast);
    expect(got.lo).toBeCloseTo(2.5, 12);
    expect(got.hi).toBeCloseTo(3.25, 12);
  });

  it("never reach a width of zero", () => {
    expect(adjustmentOf({ lo: 3, hi: 3 }, base, full).contrast).toBeCloseTo(20 / 6, 9);
  });

  it("follow a drag: right is wider, up is brighter", () => {
    expect(dragged({ brightness: 0, contrast: 0 }, 128, -64)).toEqual({
      brightness: 0.25,
      contrast: -0.5,
    });
  });
});

describe("lockedLimits", () => {
  it("spans all steps for each channel and for the layer, and skips what is not finite", () => {
    // Two steps of three channels; columns min, max, mean, std, zeros, nonfinite.
    const nan = Number.NaN;
    const rows = [
      Float32Array.of(0, 1, 0, 0, 0, 0, -2, 5, 0, 0, 0, 0, nan, nan, nan, nan, 0, 9),
      Float32Array.of(0, 4, 0, 0, 0, 0, -1, 2, 0, 0, 0, 0, nan, nan, nan, nan, 0, 9),
    ];
    const { channels, layer } = lockedLimits(rows);
    expect(channels).toEqual([{ lo: 0, hi: 4 }, { lo: -2, hi: 5 }, null]);
    expect(layer).toEqual({ lo: -2, hi: 5 });
  });

  it("takes each channel from the steps that have it", () => {
    const rows = [
      Float32Array.of(0, 4, 0, 0, 0, 0),
      Float32Array.of(1, 2, 0, 0, 0, 0, -1, 8, 0, 0, 0, 0),
    ];
    const spans = [
      { lo: 0, hi: 4 },
      { lo: -1, hi: 8 },
    ];
    expect(lockedLimits(rows).channels).toEqual(spans);
  });

  it("widens to what half precision can hold, outwards", () => {
    const [limits] = lockedLimits([Float32Array.of(-1.0001, 3.0001, 0, 0, 0, 0)]).channels;
    expect(limits).toEqual({ lo: -(1 + 2 ** -10), hi: 3 + 2 ** -9 });
  });
});

describe("WindowTable", () => {
  const source = row([0, 1, 2, 3, 0, 10, 20, 30], 1, 2);
  const table = (change: object, diverging = false) =>
    new WindowTable(source, { ...DEFAULT_WINDOW, limits: "minmax", ...change }, { diverging });

  it("gives each channel its own limits, or all of them one", () => {
    expect(table({}).limits(1)).toEqual({ lo: 0, hi: 30 });
    expect(table({}).limits(0)).toEqual({ lo: 0, hi: 3 });
    expect(table({ range: "layer" }).limits(0)).toEqual({ lo: 0, hi: 30 });
    expect(table({ range: "manual", manual: [-1, 7] }).limits(1)).toEqual({ lo: -1, hi: 7 });
  });

  it("moves every channel by the same share", () => {
    expect(table({ brightness: 0.5 }).limits(0)).toEqual({ lo: -1.5, hi: 1.5 });
    expect(table({ brightness: 0.5 }).limits(1)).toEqual({ lo: -15, hi: 15 });
  });

  it("centres on zero when asked, and under Auto when the map diverges", () => {
    expect(table({ limits: "symmetric" }).limits(0)).toEqual({ lo: -3, hi: 3 });
    expect(table({ limits: "auto" }, true).limits(0)).toEqual({ lo: -3, hi: 3 });
    expect(table({}, true).limits(0)).toEqual({ lo: 0, hi: 3 });
  });

  it("takes locked limits by channel id", () => {
    const locked = lockedLimits([Float32Array.of(0, 1, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0)]);
    const state = { ...DEFAULT_WINDOW, lockSteps: true };
    const of = (ids: number[]) => new WindowTable(source, state, { diverging: false, locked, ids });
    expect(of([0, 1]).limits(1)).toEqual({ lo: 0, hi: 64 });
    expect(of([1, 0]).limits(1)).toEqual({ lo: 0, hi: 1 });
  });

  describe("compared with another side", () => {
    const dead = row([0, 0, 0, 0, 0, 1, 2, 3], 1, 2);
    const both = (change: object, at: (plane: number) => number | undefined = (plane) => plane) => {
      const options = { diverging: false, other: { source, at } };
      return new WindowTable(dead, { ...DEFAULT_WINDOW, limits: "minmax", ...change }, options);
    };

    it("spans both, so that what is zero on one side does not set the window", () => {
      expect(both({}).limits(0)).toEqual({ lo: 0, hi: 3 });
      expect(both({ limits: "auto" }).limits(0)).toEqual({ lo: 0, hi: 3 });
      expect(both({ range: "layer" }).limits(1)).toEqual({ lo: 0, hi: 30 });
      expect(both({}).full(1)).toEqual({ lo: 0, hi: 30 });
      expect(both({}).only(0)).toBeNull();
    });

    it("takes the same channel there, and its own limits where there is none", () => {
      expect(both({}, (plane) => 1 - plane).limits(0)).toEqual({ lo: 0, hi: 30 });
      expect(both({}, () => undefined).limits(1)).toEqual({ lo: 0, hi: 3 });
      expect(both({}, () => undefined).only(0)).toBe(0);
    });
  });
});
