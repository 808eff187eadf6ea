"""The statistics of a block of float32 values that stay in the cache, in a dozen cheap passes.

A block is `[k, c]`, a row a position, or `[c, k]`, a row a channel, whichever lies in memory. Sums
are of at most 64 float32 at a time, and of those in float64; means are taken twice, the second time
of what is left after the first, so that a million and a little has a spread. Blocks that this does
not hold for (not finite, beyond 1e18, spread below 1e-12) are left to float64 and masks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_TINY = np.finfo(np.float32).tiny
_LARGEST = 1e18  # whose squares float32 still adds up
_LEAST = 1e-12  # a spread whose squares do not vanish
_AT_ONCE = 64
_FLAGS = 255  # bytes of 0 or 1 that add up within a byte


_WIDTH = 1024  # values of a row that NumPy goes through at full speed


class Moments(NamedTuple):
    """Of each channel `[c]`: number of zeros int64, extremes float32, mean and m2 float64."""

    zeros: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    m2: np.ndarray


def folded(channels: int) -> int:
    """How many positions are taken as one row, so that it is as wide as NumPy likes it."""
    return max(1, _WIDTH // channels)


def moments(values: np.ndarray, axis: int) -> Moments | None:
    """Over `axis` of float32 `[k, c]` (0) or `[c, k]` (1), k > 0; None where this does not hold."""
    count, channels = values.shape[axis], values.shape[1 - axis]
    fold = folded(channels) if axis == 0 and count % folded(channels) == 0 else 1
    wide = values.reshape(-1, fold * channels) if fold > 1 else values

    def each(found: np.ndarray, reduce: np.ufunc) -> np.ndarray:
        """Of each channel, what stands of each place in a row."""
        return reduce.reduce(found.reshape(fold, channels), axis=0) if fold > 1 else found

    low = each(wide.min(axis=axis), np.minimum)
    high = each(wide.max(axis=axis), np.maximum)
    with np.errstate(over="ignore", invalid="ignore"):
        spread, largest = high - low, np.maximum(np.abs(low), np.abs(high))
        constant = spread == 0
        if not (((spread >= _LEAST) | constant) & (largest <= _LARGEST)).all():
            return None  # NaN compares as False
    about = (each(_sum(wide, axis), np.add) / count).astype(np.float32)
    rest = wide - np.expand_dims(np.tile(about, fold), axis)
    offset = each(_sum(rest, axis), np.add) / count
    np.square(rest, out=rest)
    m2 = np.maximum(each(_sum(rest, axis), np.add) - count * offset**2, 0)
    return Moments(
        zeros=each(_count(np.less(np.abs(wide, out=rest), _TINY), axis), np.add),
        low=low,
        high=high,
        mean=np.where(constant, low, about + offset),
        m2=np.where(constant, 0.0, m2),
    )


def _sum(values: np.ndarray, axis: int) -> np.ndarray:
    """float64 sums; along a row NumPy adds in pairs by itself."""
    if axis == 1:
        return values.sum(axis=1).astype(np.float64)
    whole = len(values) // _AT_ONCE * _AT_ONCE
    blocks = values[:whole].reshape(-1, _AT_ONCE, values.shape[1]).sum(axis=1)
    return blocks.sum(axis=0, dtype=np.float64) + values[whole:].sum(axis=0, dtype=np.float64)


def _count(flags: np.ndarray, axis: int) -> np.ndarray:
    """int64 numbers of True: bytes are added as bytes, as far as they hold the sum."""
    if axis == 1:
        return np.array([np.count_nonzero(row) for row in flags], np.int64)
    ones = flags.view(np.uint8)
    whole = len(ones) // _FLAGS * _FLAGS
    blocks = ones[:whole].reshape(-1, _FLAGS, ones.shape[1]).sum(axis=1, dtype=np.uint8)
    rest = ones[whole:].sum(axis=0, dtype=np.uint8)
    return blocks.sum(axis=0, dtype=np.int64) + rest
