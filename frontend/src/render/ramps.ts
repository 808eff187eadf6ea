/** The colours of the maps, as they stand in `virtual:ramps` (see `scripts/ramps.ts`). */
import { inferno, magma, redBlue, viridis } from "virtual:ramps";

export type Rgb = readonly [number, number, number];

/** The character of a difference of 0. */
const NOUGHT = 40;

/** Each of so many colours stands for as much of the map as the next. */
function stepped(text: string): (t: number) => Rgb {
  const count = text.length / 3;
  let sum = 0;
  const levels = Array.from(text, (character, i) => {
    sum = (i % count === 0 ? 0 : sum) + character.charCodeAt(0) - NOUGHT;
    return sum;
  });
  return (t) => {
    const i = Math.min(count - 1, Math.max(0, Math.floor(t * count)));
    return [levels[i]!, levels[count + i]!, levels[2 * count + i]!];
  };
}

/** A cubic B-spline through the colours, as `d3-interpolate` has it (`interpolateRgbBasis`). */
function smooth(text: string): (t: number) => Rgb {
  const colours = text.match(/\w{6}/g)!.map((hex) => Number.parseInt(hex, 16));
  const last = colours.length - 1;
  return (t) => {
    const i = Math.min(last - 1, Math.max(0, Math.floor(t * last)));
    const u = (t - i / last) * last;
    const level = (shift: number) => {
      const at = (k: number) => (colours[k]! >> shift) & 255;
      const [b, c] = [at(i), at(i + 1)];
      const a = i > 0 ? at(i - 1) : 2 * b - c;
      const d = i < last - 1 ? at(i + 2) : 2 * c - b;
      const [u2, u3] = [u * u, u * u * u];
      const sum =
        (1 - 3 * u + 3 * u2 - u3) * a +
        (4 - 6 * u2 + 3 * u3) * b +
        (1 + 3 * u + 3 * u2 - 3 * u3) * c +
        u3 * d;
      return Math.max(0, Math.min(255, Math.round(sum / 6)));
    };
    return [level(16), level(8), level(0)];
  };
}

export const RAMPS = {
  viridis: stepped(viridis),
  magma: stepped(magma),
  inferno: stepped(inferno),
  RdBu: smooth(redBlue),
} as const;
