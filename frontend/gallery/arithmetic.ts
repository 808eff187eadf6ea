/** Numbers that are the same on every machine: waves and hashes, no chance. */

/** A smooth pattern over rows and columns, another for each channel, between −2 and 2. */
export function wave(channel: number, example: number, y: number, x: number): number {
  const [across, down] = [0.15 + 0.07 * (channel % 9), 0.12 + 0.05 * (channel % 7)];
  return Math.sin(across * x + channel + example) + Math.cos(down * y - channel + 2 * example);
}

/** Between 0 and 1, without a pattern. */
export function hash(...of: readonly number[]): number {
  let h = 2166136261;
  for (const n of of) h = Math.imul(h ^ (n + 0x9e37), 16777619) ^ (h >>> 13);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}

const shares = new Map<string, readonly number[]>();

/** Shares of `count` classes that add up to one, the class `first` the likeliest. */
export function softmax(count: number, first: number, certainty: number): readonly number[] {
  const key = `${count} ${first} ${certainty}`;
  const known = shares.get(key);
  if (known) return known;
  const scores = Array.from({ length: count }, (_, i) =>
    Math.exp(3 * hash(i, count) + (i === first ? certainty : 0)),
  );
  const sum = scores.reduce((total, score) => total + score, 0);
  const found = scores.map((score) => score / sum);
  shares.set(key, found);
  return found;
}

/** The bits of the float16 nearest to a number that float16 can hold without loss of its exponent. */
export function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === 0) return sign;
  if (size > 65504) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const fraction = Math.round((size / 2 ** exponent) * 1024);
  return sign | (size < 2 ** -14 ? Math.round(size * 2 ** 24) : (exponent + 14) * 1024 + fraction);
}
