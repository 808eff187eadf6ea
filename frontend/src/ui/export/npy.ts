/** NPY files: true values with their shape, for `numpy.load`. */
import type { Tensor } from "../../data/answers";
import { decodeStored } from "../../data/half";

const ALIGN = 64;

/** The header of version 1.0, padded so that the data begins at a multiple of 64 bytes. */
function headerOf(descr: string, shape: readonly number[]): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const length = Math.ceil((10 + text.length + 1) / ALIGN) * ALIGN - 10;
  const bytes = new Uint8Array(10 + length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  const padded = `${text.padEnd(length - 1)}\n`;
  for (let i = 0; i < length; i++) bytes[10 + i] = padded.charCodeAt(i);
  return bytes;
}

/**
 * The true values of a tensor, stored × scale: float32 where that holds every value exactly, else
 * float64. Half-precision values times a power of two are exact in float32 within its range.
 */
export function npyOf(tensor: Tensor): Uint8Array<ArrayBuffer> {
  const stored = decodeStored(tensor.stored);
  const exponent = Math.log2(tensor.scale);
  const exact = tensor.dtype === "float16" ? Math.abs(exponent) < 100 : tensor.scale === 1;
  const values = exact ? new Float32Array(stored.length) : new Float64Array(stored.length);
  for (let i = 0; i < stored.length; i++) values[i] = (stored[i] as number) * tensor.scale;
  const header = headerOf(exact ? "<f4" : "<f8", tensor.shape);
  const file = new Uint8Array(header.length + values.byteLength);
  file.set(header);
  file.set(new Uint8Array(values.buffer), header.length);
  return file;
}

/** One statement that loads the tensor from this TensorBoard, as the README has it. */
export function pythonLine(
  url: string,
  tensor: Pick<Tensor, "dtype" | "scale">,
  shape: readonly number[],
): string {
  const type = tensor.dtype === "float16" ? "<f2" : "<f4";
  const exponent = Math.round(Math.log2(tensor.scale));
  const scale = exponent === 0 ? "" : ` * 2.0**${exponent}`;
  const sizes = shape.join(", ");
  return (
    "import numpy as np, urllib.request; values = np.frombuffer(urllib.request.urlopen(" +
    `${JSON.stringify(url)}).read(), "${type}").astype("f8").reshape(${sizes})${scale}`
  );
}
