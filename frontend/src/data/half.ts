/** Half precision → float32: stored bits as values, before they are multiplied by their scale. */
let halfTable: Float32Array | null = null;

/** One half-precision number from its 16 bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The values of all 65,536 patterns of bits, by the bits. */
export function halves(): Float32Array {
  if (!halfTable) {
    halfTable = new Float32Array(65536);
    for (let bits = 0; bits < 65536; bits++) halfTable[bits] = halfToFloat(bits);
  }
  return halfTable;
}

/** Float16 bits as float32; float32 passes through. */
export function decodeStored(stored: Uint16Array | Float32Array): Float32Array {
  if (stored instanceof Float32Array) return stored;
  const table = halves();
  const values = new Float32Array(stored.length);
  for (let i = 0; i < stored.length; i++) values[i] = table[stored[i] as number] as number;
  return values;
}
