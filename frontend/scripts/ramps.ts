/**
 * The module `virtual:ramps`: d3's colormaps as the differences of their levels, worked out when the
 * bundle is built. So the bundle holds half a kilobyte of them, and neither d3 nor its parser of CSS.
 */
import {
  interpolateInferno,
  interpolateMagma,
  interpolateViridis,
  schemeRdBu,
} from "d3-scale-chromatic";
import type { Plugin } from "vite";

const NAME = "virtual:ramps";
const COLOURS = 256;
/** Of a difference of 0: so that all of them are letters. */
const NOUGHT = 40;

/** Red, then green, then blue of all colours, each less the one before it, as characters. */
function differences(colours: readonly string[]): string {
  return [1, 3, 5]
    .map((at) => colours.map((colour) => Number.parseInt(colour.slice(at, at + 2), 16)))
    .flatMap((levels) => levels.map((level, i) => NOUGHT + level - (levels[i - 1] ?? 0)))
    .map((code) => String.fromCharCode(code))
    .join("");
}

function sampled(interpolate: (t: number) => string): string {
  return differences(Array.from({ length: COLOURS }, (_, i) => interpolate((i + 0.5) / COLOURS)));
}

export function ramps(): Plugin {
  const texts = {
    inferno: sampled(interpolateInferno),
    magma: sampled(interpolateMagma),
    viridis: sampled(interpolateViridis),
    redBlue: (schemeRdBu[11] ?? []).join(""),
  };
  return {
    name: "ramps",
    resolveId: (id) => (id === NAME ? `\0${NAME}` : null),
    load: (id) =>
      id === `\0${NAME}`
        ? Object.entries(texts)
            .map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};`)
            .join("\n")
        : null,
  };
}
