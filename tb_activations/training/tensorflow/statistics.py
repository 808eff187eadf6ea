"""`record.statistics` in TensorFlow ops: the same six numbers a channel, inside a graph.

Owns `GraphStatistics`: table float32 `[channels, 6]` and summary float32 `[5]`. Layers of finite
values in ordinary ranges take a path without masks in float32, summed in blocks of 64 values and
those in float64; anything else takes one with masks in float64.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tb_activations.record.statistics import COLUMNS, Sums

BLOCK_ROWS = 64
EIGHTS = 8 * BLOCK_ROWS
SMALL = 1 << 16  # so few values cost nothing in float64
_RANGES = (1e-12, 1e18)  # values whose squares neither underflow nor overflow float32
_TINY = np.finfo(np.float32).tiny
_HEADROOM = 2.0**-64  # keeps sums of values near 1e308 finite, and is exact
_BELOW_ONE = np.float32(1 - 2**-24)

Tensor = Any


@dataclass(frozen=True)
class GraphStatistics:
    """table: float32 `[channels, 6]`. summary: float32 `[5]`, see `record`. exponent, plain: of
    the first examples that were asked for in float16, int32, and whether that is all that there
    is to know, see `storage.plain_exponent`; None where they are not at hand."""

    table: Tensor
    summary: Tensor
    exponent: Tensor | None = None
    plain: Tensor | None = None


def graph_sums(data: Tensor, channels_first: bool) -> Tensor:
    """What slices of a batch are merged from: float64 `[7, c]`, the rows of `Sums`.

    Traced once for all layers of a graph, each of which then adds one call of it.

    Args:
      data: activations `[n, …, c]` (`[n, c, …]`) of any dtype that can be logged.
    """
    values = working(tf.reshape(data, flat(data, channels_first)))
    return _sums_function(values.dtype, channels_first)(values)


def flat(data: Tensor, channels_first: bool) -> Any:
    """`[n, size, c]` (`[n, c, size]`): numbers where the graph knows them, which adds no ops."""
    sides = (data.shape.as_list() if data.shape.rank is not None else [None, None])[1:]
    if all(sides):
        *between, channels = [*sides[1:], sides[0]] if channels_first else sides
        size = math.prod(between)
        return [-1, channels, size] if channels_first else [-1, size, channels]
    shape = tf.shape(data, tf.int64)
    channels = shape[1] if channels_first else shape[-1]
    size = tf.reduce_prod(shape[2:] if channels_first else shape[1:-1])
    return [shape[0], channels, size] if channels_first else [shape[0], size, channels]


@functools.cache
def _sums_function(dtype: Any, channels_first: bool) -> Any:
    @tf.function(
        input_signature=[tf.TensorSpec([None] * 3, dtype)],
        autograph=False,
        experimental_attributes={"_noinline": True},
    )
    def sums_of(values: Tensor) -> Tensor:
        sums = _choose(values, channels_first)
        every = sums._replace(total=tf.fill(tf.shape(sums.finite), sums.total))
        return tf.stack(list(every))

    return sums_of.get_concrete_function()  # its calls skip the look-up, which costs more than they


def working(values: Tensor) -> Tensor:
    """float64 where the source is float64 or an integer of 32 or 64 bits, else float32."""
    if values.dtype in (tf.float64, tf.int32, tf.int64, tf.uint32, tf.uint64):
        return tf.cast(values, tf.float64)
    if "float8" in values.dtype.name:
        values = tf.cast(values, tf.float16)
    return tf.cast(values, tf.float32)


def graph_statistics(
    values: Tensor, channels_first: bool, examples: Any = 0, precision: str = ""
) -> GraphStatistics:
    """The statistics of `values` `[n, size, c]` (`[n, c, size]`), float32 or float64.

    examples, precision: of what the exponent is of interest; it is left to who asks.
    """
    sums = _choose(values, channels_first)
    return GraphStatistics(_table(sums), _summary(sums))


def _choose(values: Tensor, channels_first: bool) -> Sums:
    """float64 `[channels]` each, but `total`, a scalar; the fast path where it is exact enough."""
    if channels_first or values.dtype == tf.float64:
        return masked(values, channels_first)
    rows = _rows(values)
    if rows.shape.num_elements() is not None and rows.shape.num_elements() < SMALL:
        return masked(values, channels_first)
    main, rest = _in_blocks(rows)
    total = total_of(main, rest)
    low, high = extreme(main, rest, tf.reduce_min), extreme(main, rest, tf.reduce_max)
    fast = ordinary(total, low, high) & (tf.size(rows, tf.int64) >= SMALL)
    return tf.cond(
        fast,
        lambda: _plain(rows, main, rest, total, low, high),
        lambda: masked(values, channels_first),
    )


def _rows(values: Tensor) -> Tensor:
    shape = tf.shape(values, tf.int64)
    return tf.reshape(values, [shape[0] * shape[1], shape[2]])


def ordinary(total: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Whether all values are finite, and every spread such that float32 can square it."""
    spread = high - low
    largest = tf.maximum(tf.abs(low), tf.abs(high))
    each = (spread == 0) | ((spread >= _RANGES[0]) & (largest <= _RANGES[1]))
    return tf.reduce_all(tf.math.is_finite(total)) & tf.reduce_all(each)


def total_of(main: Tensor, rest: Tensor) -> Tensor:
    """float64 `[c]`, sums of float32 to a few float32 ulps of Σ|value|.

    Args:
      main, rest: rows in blocks, `[k, BLOCK_ROWS, c]`, and those left over, `[r, c]`.
    """
    sums = tf.reduce_sum(tf.cast(tf.reduce_sum(main, 1), tf.float64), 0)
    return sums + tf.reduce_sum(tf.cast(rest, tf.float64), 0)


def squares_of(main: Tensor, rest: Tensor) -> Tensor:
    """float64 sums of squares; the norm of a block is one kernel that writes no squares."""
    norms = tf.cast(tf.math.reduce_euclidean_norm(main, 1), tf.float64)
    squares = tf.square(tf.cast(rest, tf.float64))
    return tf.reduce_sum(tf.square(norms), 0) + tf.reduce_sum(squares, 0)


def extreme(main: Tensor, rest: Tensor, reduce: Any) -> Tensor:
    """The smallest or largest of each column; by blocks, which takes two thirds of the time."""
    return reduce(tf.concat([reduce(main, 1), rest], 0), 0)


def _zeros(rows: Tensor) -> Tensor:
    blocks, whole = _blocks(rows, EIGHTS)
    channels = tf.shape(rows, tf.int64)[1]
    return zeros_of(tf.reshape(rows[:whole], [blocks, BLOCK_ROWS, channels, 8]), rows[whole:])


def zeros_of(eights: Tensor, rest: Tensor) -> Tensor:
    """float64 numbers of zeros in the columns; subnormals are 0 to these kernels.

    The flags of eight rows are added as one integer of eight bytes, 64 times at most, so that no
    byte overflows.

    Args:
      eights: rows in blocks of EIGHTS, as they lie in memory, `[k, BLOCK_ROWS, c, 8]`.
      rest: those left over, `[r, c]`.
    """
    flags = tf.bitcast(tf.cast(tf.equal(eights, 0), tf.int8), tf.int64)
    counts = tf.bitcast(tf.reduce_sum(flags, 1), tf.int8)
    channels = tf.shape(rest, tf.int64)[1]
    main = tf.reduce_sum(tf.cast(tf.reshape(counts, [-1, channels]), tf.float64), 0)
    return main + tf.reduce_sum(tf.cast(tf.equal(rest, 0), tf.float64), 0)


def _in_blocks(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(`[blocks, BLOCK_ROWS, c]`, the rows that are left over)."""
    blocks, whole = _blocks(rows, BLOCK_ROWS)
    shape = [blocks, BLOCK_ROWS, tf.shape(rows, tf.int64)[1]]
    return tf.reshape(rows[:whole], shape), rows[whole:]


def _blocks(rows: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """(number of whole blocks of `size` rows, rows in them), int64."""
    blocks = tf.shape(rows, tf.int64)[0] // size
    return blocks, blocks * size


def _plain(
    rows: Tensor, main: Tensor, rest: Tensor, total: Tensor, low: Tensor, high: Tensor
) -> Sums:
    """Everything finite, every spread ordinary."""
    count = tf.cast(tf.shape(rows, tf.int64)[0], tf.float64)
    mean = total / count
    variance, exact = variance_of(squares_of(main, rest) / count, mean, low == high)
    return Sums(
        total=count,
        finite=tf.fill(tf.shape(total), count),
        zeros=_zeros(rows),
        min=flushed(low),
        max=flushed(high),
        mean=mean,
        variance=tf.cond(exact, lambda: variance, lambda: variance_about(main, rest, mean, count)),
    )


def variance_of(squares: Tensor, mean: Tensor, constant: Tensor) -> tuple[Tensor, Tensor]:
    """(from the mean squares; whether they tell it to four times their own error)."""
    variance = tf.where(constant, tf.zeros((), tf.float64), squares - mean * mean)
    return variance, tf.reduce_all(constant | (variance >= squares / 4))


def variance_about(main: Tensor, rest: Tensor, mean: Tensor, count: Tensor) -> Tensor:
    """From the squares of the differences from the mean."""
    centre = tf.cast(mean, tf.float32)
    offset = mean - tf.cast(centre, tf.float64)
    away = [tf.math.squared_difference(part, centre) for part in (main, rest)]
    return tf.maximum(total_of(*away) / count - offset * offset, 0)


def masked(values: Tensor, channels_first: bool) -> Sums:
    """Over the finite values alone, in float64."""
    axes = [0, 2] if channels_first else [0, 1]
    tiny = np.finfo(values.dtype.as_numpy_dtype).tiny
    small = tf.abs(values) < tiny
    finite = tf.math.is_finite(values)
    wide = tf.cast(tf.where(finite & ~small, values, tf.zeros((), values.dtype)), tf.float64)
    infinity = tf.constant(np.inf, tf.float64)
    count = tf.reduce_sum(tf.cast(finite, tf.float64), axes, keepdims=True)
    number = tf.maximum(count, 1)
    mean = tf.reduce_sum(wide * _HEADROOM, axes, keepdims=True) / number / _HEADROOM
    deviations = tf.where(finite, wide - mean, tf.zeros((), tf.float64))
    variance = tf.reduce_sum(deviations * deviations, axes) / tf.squeeze(number, axes)
    shape = tf.shape(values, tf.int64)
    return Sums(
        total=tf.cast(shape[0] * shape[1 if axes == [0, 1] else 2], tf.float64),
        finite=tf.squeeze(count, axes),
        zeros=tf.reduce_sum(tf.cast(small, tf.float64), axes),
        min=tf.reduce_min(tf.where(finite, wide, infinity), axes),
        max=tf.reduce_max(tf.where(finite, wide, -infinity), axes),
        mean=tf.squeeze(mean, axes),
        variance=variance,
    )


def flushed(values: Tensor) -> Tensor:
    return tf.cast(tf.where(tf.abs(values) < _TINY, tf.zeros_like(values), values), tf.float64)


def _to_float32(values: Tensor) -> Tensor:
    zero = tf.zeros((), tf.float32)
    return tf.where(tf.abs(values) < float(_TINY), zero, tf.cast(values, tf.float32))


def _table(sums: Sums) -> Tensor:
    some = sums.finite > 0
    nan = tf.constant(np.nan, tf.float32)
    real = [sums.min, sums.max, sums.mean, tf.sqrt(sums.variance)]
    fraction = tf.cast(sums.zeros / tf.maximum(sums.total, 1), tf.float32)
    fraction = tf.where(sums.zeros < sums.total, tf.minimum(fraction, _BELOW_ONE), fraction)
    columns = [
        *(tf.where(some, _to_float32(column), nan) for column in real),
        fraction,
        tf.cast(sums.total - sums.finite, tf.float32),
    ]
    assert len(columns) == len(COLUMNS)
    return tf.stack(columns, axis=1)


def _summary(sums: Sums) -> Tensor:
    some = sums.finite > 0
    nothing = tf.zeros((), tf.float64)
    largest = tf.where(some, tf.maximum(tf.abs(sums.min), tf.abs(sums.max)), nothing)
    count = tf.reduce_sum(sums.finite)
    weight = sums.finite / tf.maximum(count, 1)
    squares = tf.where(some, (sums.variance + sums.mean * sums.mean) * weight, nothing)
    dead = (sums.zeros == sums.total) & (sums.total > 0)
    constant = some & (_to_float32(sums.min) == _to_float32(sums.max)) & ~dead
    real = tf.stack(
        [
            _to_float32(tf.sqrt(tf.reduce_sum(squares))),
            _to_float32(tf.reduce_max(tf.concat([largest, [nothing]], 0))),
        ]
    )
    counts = [_number(dead), _number(constant), _number(sums.finite < sums.total)]
    nan = tf.constant(np.nan, tf.float32)
    return tf.concat([tf.where(count > 0, real, nan), tf.stack(counts)], 0)


def _number(flags: Tensor) -> Tensor:
    return tf.reduce_sum(tf.cast(flags, tf.float32))
