/** All stored examples of a layer as one: the mean of their values, or the largest, place by place. */
import type { StepInfo, Tensor } from "./answers";
import type { Pool } from "./choices";
import { decodeStored } from "./half";

/** What is read for it, at most. */
const POOLED_BYTES = 64 * 2 ** 20;

/** What of the choice a record has: not a dense layer, which shows all its examples, nor what explains. */
export function poolIn({ shape, dtype, explained }: StepInfo, pool?: Pool | null): Pool | null {
  const bytes = shape.reduce((product, side) => product * side, dtype === "float16" ? 2 : 4);
  const flat = shape.slice(1, -1).every((side) => side === 1);
  const able = !flat && !explained && shape[0]! > 1 && bytes <= POOLED_BYTES;
  return able ? (pool ?? null) : null;
}

/** Place by place; where one is NaN so is the outcome. */
export function pooled(parts: readonly Float32Array[], pool: Pool): Float32Array {
  const sums = Float64Array.from(parts[0]!);
  for (const part of parts.slice(1)) {
    for (let i = 0; i < sums.length; i++) {
      const [a, b] = [sums[i]!, part[i]!];
      sums[i] = pool === "mean" ? a + b : Math.max(a, b);
    }
  }
  const by = pool === "mean" ? parts.length : 1;
  return Float32Array.from(sums, (sum) => sum / by);
}

/** The examples of a tensor as one. */
export function pooledTensor(tensor: Tensor, pool: Pool): Tensor {
  const [n = 1, ...rest] = tensor.shape;
  const size = tensor.stored.length / n;
  const parts = Array.from({ length: n }, (_, i) =>
    decodeStored(tensor.stored.subarray(i * size, (i + 1) * size)),
  );
  return { ...tensor, dtype: "float32", shape: [1, ...rest], stored: pooled(parts, pool) };
}
