"""One part of `accelerator`, in JAX: a residual network in plain functions, its pass jitted.

Three jitted passes over the same batch: the forward pass alone; with every value that is logged as
an extra output, which all cross to the host; with their statistics made inside, from which one
packed array of them and of 4 examples crosses.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import accelerator_encoding
from benchmarks.accelerator import report, seconds_left, tiny
from tb_activations.training.plan import Plan

STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))  # ResNet50's blocks and widths
SMALL = ((1, 8), (1, 16))
Seen = list[jax.Array]


def parameters(stages: Sequence[tuple[int, int]]) -> list[Any]:
    """Convolution kernels `[h, w, in, out]`: the stem, then three or four a block."""
    random = np.random.default_rng(0)

    def kernel(side: int, inputs: int, outputs: int) -> jax.Array:
        size = (side, side, inputs, outputs)
        spread = (2 / (side * side * inputs)) ** 0.5
        return jnp.asarray(random.normal(0, spread, size).astype(np.float32))

    width = stages[0][1]
    found: list[Any] = [kernel(7, 3, width)]
    inputs = width
    for blocks, width in stages:
        for i in range(blocks):
            kernels = [
                kernel(1, inputs, width),
                kernel(3, width, width),
                kernel(1, width, 4 * width),
            ]
            kernels += [kernel(1, inputs, 4 * width)] if i == 0 else []
            found.append(kernels)
            inputs = 4 * width
    return found


def forward(weights: list[Any], x: jax.Array, stages: Sequence[tuple[int, int]], seen: Seen) -> Any:
    """Logits, channels last; what is logged goes into `seen`."""

    def convolve(x: jax.Array, kernel: jax.Array, stride: int = 1) -> jax.Array:
        layout = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(x, kernel, (stride,) * 2, "SAME", dimension_numbers=layout)
        seen.append(y)
        y = (y - y.mean((0, 1, 2))) / (y.std((0, 1, 2)) + 1e-3)
        seen.append(y)
        return y

    def relu(x: jax.Array) -> jax.Array:
        seen.append(jax.nn.relu(x))
        return seen[-1]

    stem, *blocks = weights
    x = relu(convolve(x, stem, 2))
    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    at = 0
    for stage, (count, _) in enumerate(stages):
        for i in range(count):
            stride = 2 if stage and i == 0 else 1
            first, second, third, *shortcut = blocks[at]
            y = relu(convolve(x, first))
            y = relu(convolve(y, second, stride))
            y = convolve(y, third)
            x = relu(y + (convolve(x, shortcut[0], stride) if shortcut else x))
            at += 1
    return x.mean((1, 2))


def sums(value: jax.Array) -> jax.Array:
    """float32 `[7, c]`, the rows of `record.statistics.Sums`, masked."""
    axes = tuple(range(value.ndim - 1))
    finite = jnp.isfinite(value)
    normal = finite & (jnp.abs(value) >= jnp.finfo(jnp.float32).tiny)
    plain = jnp.where(normal, value, 0.0)
    count = finite.sum(axes).astype(jnp.float32)
    mean = plain.sum(axes) / jnp.maximum(count, 1)
    centred = jnp.where(finite, plain - mean, 0.0)
    return jnp.stack(
        [
            jnp.full_like(count, value.size / value.shape[-1]),
            count,
            (finite & ~normal).sum(axes).astype(jnp.float32),
            jnp.where(finite, plain, jnp.inf).min(axes),
            jnp.where(finite, plain, -jnp.inf).max(axes),
            mean,
            (centred**2).sum(axes) / jnp.maximum(count, 1),
        ]
    )


def packed(seen: Seen, plan: Plan) -> jax.Array:
    """Sums and kept values of all, see `accelerator_encoding.unpacked`."""
    parts = []
    for value, layer in zip(seen, plan.layers, strict=True):
        kept = value[: plan.examples]
        if layer.channel_ids is not None:
            kept = kept[..., jnp.asarray(layer.channel_ids)]
        parts += [sums(value).ravel(), kept.ravel()]
    return jnp.concatenate(parts)


def planned(weights: list[Any], x: Any, stages: Sequence[tuple[int, int]]) -> Plan:
    """What is kept of the network's values, from their shapes alone."""

    def values(weights: Any, x: Any) -> Seen:
        seen: Seen = []
        forward(weights, x, stages, seen)
        return seen

    shapes = [tuple(value.shape) for value in jax.eval_shape(values, weights, x)]
    return accelerator_encoding.plan([(str(i), s, False) for i, s in enumerate(shapes)])


def measured(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """(milliseconds, the answer), after one that compiles."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer = work()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times), answer


def passes(stages: Sequence[tuple[int, int]], plan: Plan) -> dict[str, Callable[..., Any]]:
    """Name → jitted function of (weights, x)."""

    def plain(weights: Any, x: Any) -> Any:
        return forward(weights, x, stages, [])

    def outputs(weights: Any, x: Any) -> Any:
        seen: Seen = []
        return forward(weights, x, stages, seen), seen

    def inside(weights: Any, x: Any) -> Any:
        seen: Seen = []
        logits = forward(weights, x, stages, seen)
        return logits, packed(seen, plan)

    return {name: jax.jit(f) for name, f in [("plain", plain), ("out", outputs), ("in", inside)]}


def main(batch: str) -> None:
    stages, side = (SMALL, 32) if tiny() else (STAGES, 224)
    weights = parameters(stages)
    x = jax.random.normal(jax.random.key(0), (int(batch), side, side, 3), jnp.float32)
    plan = planned(weights, x, stages)
    functions = passes(stages, plan)
    start = time.perf_counter()
    jax.block_until_ready(functions["plain"](weights, x))
    compiled = time.perf_counter() - start
    forward_ms, _ = measured(lambda: jax.block_until_ready(functions["plain"](weights, x)), 7)
    card = jax.devices()[0].device_kind
    report(card=card, jax=jax.__version__, plan=plan.describe())
    report(forward_ms=forward_ms, plain_compile_s=compiled)
    report(inside=_inside(functions["in"], weights, x, forward_ms, plan))
    if seconds_left() > 60 or tiny():
        report(outside=_outside(functions["out"], weights, x, forward_ms))


def _inside(function: Any, weights: Any, x: Any, forward_ms: float, plan: Plan) -> dict[str, Any]:
    """Statistics in the jitted pass; one packed array crosses."""
    start = time.perf_counter()
    packet = np.asarray(function(weights, x)[1])
    compiled = time.perf_counter() - start
    device, _ = measured(lambda: jax.block_until_ready(function(weights, x)), 5)
    complete, _ = measured(lambda: np.asarray(function(weights, x)[1]), 5)
    start = time.perf_counter()
    answer = function(weights, x)[1]
    thread = (time.perf_counter() - start) * 1e3
    jax.block_until_ready(answer)
    report(**accelerator_encoding.figures(packet, plan, len(x)))
    return {
        "way": "jitted, statistics inside",
        "crosses_MB": packet.nbytes / 1e6,
        "thread_ms": thread,
        "thread_in_forwards": thread / forward_ms,
        "device_ms": device,
        "device_in_forwards": device / forward_ms,
        "complete_ms": complete,
        "compile_s": compiled,
    }


def _outside(function: Any, weights: Any, x: Any, forward_ms: float) -> dict[str, Any]:
    """Every value is an output, crosses, and is summed up in NumPy."""
    from tb_activations.record.statistics import ChannelStatistics

    start = time.perf_counter()
    jax.block_until_ready(function(weights, x))
    compiled = time.perf_counter() - start
    device, _ = measured(lambda: jax.block_until_ready(function(weights, x)), 3)
    copied, arrays = measured(lambda: [np.asarray(v) for v in function(weights, x)[1]], 2)
    start = time.perf_counter()
    for array in arrays:
        ChannelStatistics.of(array)
    counted = (time.perf_counter() - start) * 1e3
    return {
        "way": "jitted, values out, statistics in NumPy",
        "crosses_MB": sum(array.nbytes for array in arrays) / 1e6,
        "thread_ms": copied,
        "thread_in_forwards": copied / forward_ms,
        "device_ms": device,
        "device_in_forwards": device / forward_ms,
        "complete_ms": copied + counted,
        "compile_s": compiled,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
