"""`record.storage` in TensorFlow ops: values ↔ what is stored of them, bit for bit the same.

`true value = stored · 2**exponent`; the signs and powers are taken from the bits, so that no
device's flushing of subnormals is felt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tb_activations.record.storage import MAX_SHIFT, NAN, TOP

Tensor = Any

_STRONG = 2.0**-80
_BITS = {tf.float32: (tf.int32, 23, 127), tf.float64: (tf.int64, 52, 1023)}


def store(values: Tensor, precision: str, finite: Tensor) -> tuple[Tensor, Tensor]:
    """(stored, exponent), true value = stored · 2**exponent.

    finite: whether all values are known to be, a bool scalar.
    """
    if precision == "float32" and values.dtype == tf.float32:
        return values, tf.constant(0)
    if values.dtype == tf.float64:
        return _store_any(values, precision)
    largest = tf.maximum(tf.reduce_max(values), -tf.reduce_min(values))
    shift = _shift(largest, "float16")
    return tf.cond(
        finite & (largest >= _STRONG),
        lambda: (store_plain(values, -shift), -shift),
        lambda: _store_any(values, precision),
    )


def store_plain(values: Tensor, exponent: Tensor) -> Tensor:
    """float16 of finite float32 so strong that its subnormals vanish there: few passes over it."""
    return tf.cast(values * _power(-exponent, tf.float32), tf.float16)


def hides(table: Tensor, exponent: Tensor) -> Tensor:
    """`record.storage.hides` of the statistics, a bool scalar."""
    low, high = table[:, 0], table[:, 1]
    largest = tf.maximum(tf.abs(low), tf.abs(high))
    varies = (low < high) & tf.math.is_finite(largest)
    some = tf.where(varies, largest, tf.ones_like(largest))
    binade = tf.bitwise.right_shift(tf.bitcast(some, tf.int32), 23) - 127
    steps = tf.maximum(binade - exponent, -14) - 4 + exponent
    span = tf.cast(high, tf.float64) - tf.cast(low, tf.float64)
    # No float32 lies nearer to another than 2**-149: less than 2**-1000 is less than any span.
    limit = _power(tf.clip_by_value(steps, -1000, 1000), tf.float64)
    return tf.reduce_any(varies & (span < limit))


def _store_any(values: Tensor, precision: str) -> tuple[Tensor, Tensor]:
    flushed = _flush(values, np.finfo(values.dtype.as_numpy_dtype).tiny)
    zero = tf.zeros((), values.dtype)
    magnitudes = tf.where(tf.math.is_finite(flushed), tf.abs(flushed), zero)
    shift = _shift(tf.maximum(tf.reduce_max(magnitudes), zero), precision)
    scaled = _scale(flushed, shift)
    if precision == "float32":
        narrow = tf.cast(_flush(scaled, float(np.finfo(np.float32).tiny)), tf.float32)
    else:
        narrow = tf.cast(tf.cast(scaled, tf.float32), tf.float16)
    return tf.where(tf.math.is_nan(narrow), tf.constant(NAN[precision]), narrow), -shift


def _flush(values: Tensor, tiny: Any) -> Tensor:
    """Magnitudes below `tiny` become 0 of their sign, which is taken from the bits."""
    integer = _BITS[values.dtype][0]
    sign = tf.bitwise.bitwise_and(tf.bitcast(values, integer), tf.constant(integer.min, integer))
    return tf.where(tf.abs(values) < tiny, tf.bitcast(sign, values.dtype), values)


def _shift(largest: Tensor, precision: str) -> Tensor:
    """e of `storage`, int32."""
    integer, mantissa, bias = _BITS[largest.dtype]
    raised = tf.bitwise.right_shift(tf.bitcast(largest, integer), tf.constant(mantissa, integer))
    shift = tf.minimum(TOP[precision] - (tf.cast(raised, tf.int32) - bias), MAX_SHIFT)
    top = tf.cast(_scale(largest, shift), tf.float32)
    rounds = top >= 65520 if precision == "float16" else tf.math.is_inf(top)
    return tf.where(largest > 0, shift - tf.cast(rounds, tf.int32), 0)


def _scale(values: Tensor, shift: Tensor) -> Tensor:
    half = shift // 2
    dtype = values.dtype
    return values * _power(half, dtype) * _power(shift - half, dtype)


def _power(exponent: Tensor, dtype: Any) -> Tensor:
    """2**exponent from its bits."""
    integer, mantissa, bias = _BITS[dtype]
    biased = tf.cast(exponent + bias, integer)
    return tf.bitcast(tf.bitwise.left_shift(biased, tf.constant(mantissa, integer)), dtype)
