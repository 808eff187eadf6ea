import {
  interpolateInferno,
  interpolateMagma,
  interpolateRdBu,
  interpolateViridis,
} from "d3-scale-chromatic";
import { describe, expect, it } from "vitest";
import { COLORMAPS } from "../data/choices";
import {
  ABOVE_ENTRY,
  BELOW_ENTRY,
  buildLut,
  colorOf,
  defaultColormap,
  FIRST_SHADE,
  LAST_SHADE,
  type Lut,
  marksOf,
  NAN_ENTRY,
  SHADES,
  shadeOf,
} from "./colormap";

const plain = { gamma: 1, invert: false, clipped: false };
const hex = (lut: Lut, entry: number): string => {
  const word = lut[entry] as number;
  const byte = (shift: number) => ((word >>> shift) & 255).toString(16).padStart(2, "0");
  return `#${byte(0)}${byte(8)}${byte(16)}`;
};

describe("shadeOf", () => {
  const d3 = {
    viridis: interpolateViridis,
    magma: interpolateMagma,
    inferno: interpolateInferno,
    RdBu: interpolateRdBu,
  } as const;
  const levels = (css: string) =>
    css.startsWith("#")
      ? [1, 3, 5].map((at) => Number.parseInt(css.slice(at, at + 2), 16))
      : (css.match(/\d+/g) ?? []).map(Number);

  it.each(Object.entries(d3))("is the colour of d3's %s, everywhere", (name, interpolate) => {
    for (let i = 0; i <= 5000; i++) {
      const t = i / 5000;
      expect(shadeOf(name as keyof typeof d3, t)).toEqual(levels(interpolate(t)));
    }
  });
});

describe("buildLut", () => {
  it("runs viridis from its published first to its last colour", () => {
    const lut = buildLut({ ...plain, colormap: "viridis" });
    expect([hex(lut, FIRST_SHADE), hex(lut, LAST_SHADE)]).toEqual(["#440154", "#fde725"]);
    expect(hex(lut, NAN_ENTRY)).toBe("#ff00ff");
  });

  it("is opaque everywhere", () => {
    expect(buildLut({ ...plain, colormap: "RdBu" }).every((word) => word >>> 24 === 255)).toBe(
      true,
    );
  });

  it("bends grey by gamma: the middle at gamma 2 is a quarter", () => {
    const lut = buildLut({ ...plain, colormap: "grey", gamma: 2 });
    const middle = (512.5 / SHADES) ** 2 * 255;
    expect((lut[FIRST_SHADE + 512] as number) & 255).toBe(Math.round(middle));
  });

  it("bends a diverging map about its middle, so that zero stays neutral", () => {
    const lut = buildLut({ ...plain, colormap: "RdBu", gamma: 2 });
    const straight = buildLut({ ...plain, colormap: "RdBu" });
    const red = (table: Lut, shade: number) => (table[FIRST_SHADE + shade] as number) & 255;
    const near = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThanOrEqual(1);
    near(red(lut, 0), red(straight, 0));
    near(red(lut, 511), red(straight, 511));
    // Half of the way from the middle to the top becomes a quarter of it.
    near(red(lut, 768), red(straight, 640));
  });

  it("turns round", () => {
    const lut = buildLut({ ...plain, colormap: "viridis", invert: true });
    expect(hex(lut, FIRST_SHADE)).toBe("#fde725");
  });

  it("shows clipped values as the ends until they are marked", () => {
    const hidden = buildLut({ ...plain, colormap: "grey" });
    expect([hex(hidden, BELOW_ENTRY), hex(hidden, ABOVE_ENTRY)]).toEqual(["#000000", "#ffffff"]);
    const marked = buildLut({ ...plain, colormap: "grey", clipped: true });
    expect([hex(marked, BELOW_ENTRY), hex(marked, ABOVE_ENTRY)]).toEqual(["#2979ff", "#ff1744"]);
  });

  it("gives an entry as CSS", () => {
    expect(colorOf(buildLut({ ...plain, colormap: "viridis" }), FIRST_SHADE)).toBe(
      "rgb(68, 1, 84)",
    );
  });
});

describe("marks", () => {
  const rgb = (css: string) =>
    [1, 3, 5].map((i) => Number.parseInt(css.slice(i, i + 2), 16)) as [number, number, number];
  const distance = (a: readonly number[], b: readonly number[]) =>
    Math.hypot(...a.map((v, i) => v - (b[i] as number)));

  it.each(COLORMAPS)("of %s stand apart from every shade and from each other", (name) => {
    const marks = Object.values(marksOf(name)).map(rgb);
    const between = marks.flatMap((a, i) => marks.slice(i + 1).map((b) => distance(a, b)));
    expect(Math.min(...between)).toBeGreaterThan(55);
    const shades = Array.from({ length: 256 }, (_, i) => shadeOf(name, i / 255));
    const apart = marks.flatMap((mark) => shades.map((shade) => distance(mark, shade)));
    expect(Math.min(...apart)).toBeGreaterThan(55);
  });
});

describe("defaultColormap", () => {
  const of = (min: number, max: number) =>
    defaultColormap({ min, max, kind: "activation", coloured: true });

  it("is viridis from zero up, RdBu where the smaller sign is at least a tenth", () => {
    expect(of(0, 3)).toBe("viridis");
    expect(of(-0.29, 3)).toBe("viridis");
    expect(of(-0.3, 3)).toBe("RdBu");
    expect(of(-3, 0.3)).toBe("RdBu");
    expect(of(-3, -1)).toBe("viridis");
    expect(of(Number.NaN, Number.NaN)).toBe("viridis");
  });

  it("is colour for inputs that are colour pictures, else grey", () => {
    const input = (coloured: boolean) =>
      defaultColormap({ min: 0, max: 1, kind: "input", coloured });
    expect([input(true), input(false)]).toEqual(["colour", "grey"]);
  });
});
