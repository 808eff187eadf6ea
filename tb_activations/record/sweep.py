"""The moments of float32 values as they lie in memory, in few passes over blocks in the cache.

Values are gone through as `[o, r, q]`, of which r are added up in float32, for each channel and
place, and the rest in float64. Squares are of the values themselves, or, where a few rows show
channels far from 0, about the means of those. What is not finite, what is so small or large that
squares would leave float32, and many channels whose spread they do not tell, are left to others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tb_activations.record.moments import Moments, ordinary

_TINY = np.finfo(np.float32).tiny
_BLOCK_VALUES = 1 << 17  # half a megabyte
_SAMPLE = 32  # values of a channel that show where its mean lies
_NARROW = 32
_AT_ONCE = 1 << 23  # values whose sums are held
# Rows that are added up in float32: fewer leave too much to float64, more are inexact.
_LEAST, _ENOUGH, _MOST = 8, 16, 64
_WIDTH = 64  # values of a row, or NumPy is slow


@dataclass(frozen=True)
class _Order:
    """blocks: the values as they are gone through. left: what a sum over r leaves, `[a, c, b]`."""

    blocks: np.ndarray
    left: tuple[int, int, int]

    def each(self, found: np.ndarray, reduce: np.ufunc) -> np.ndarray:
        """`[c]` of what stands at each place."""
        at_places = found.reshape(self.left)
        if 1 < self.left[2] <= _NARROW:  # turned, for NumPy is slow on short rows
            at_places = np.ascontiguousarray(at_places.transpose(2, 0, 1))[..., None]
            return reduce.reduce(at_places, axis=(0, 1, 3))
        return reduce.reduce(at_places, axis=(0, 2))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """`[o, 1, q]` of `[c]`."""
        every = np.broadcast_to(values[:, None], self.left)
        return every.reshape(len(self.blocks), 1, -1)


def swept(values: np.ndarray, axis: int) -> Moments | None:
    """Of float32 of any shape and strides; None for what another way must be gone for.

    Args:
      axis: of the channels.
    """
    channels = values.shape[axis]
    step = max(1, _AT_ONCE * channels // values.size)
    parts: list[Moments] = []
    for i in range(0, channels, step):
        some = (*(slice(None),) * axis, slice(i, i + step))
        order = _ordered(values[some], axis)
        found = None if order is None else _moments(order)
        if found is None:
            return None
        parts.append(found)
    if len(parts) == 1:
        return parts[0]
    return Moments(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _ordered(values: np.ndarray, axis: int) -> _Order | None:
    """None where they cannot be parted into rows: of few, or of a number that has no divisors."""
    axes = sorted(range(values.ndim), key=lambda i: -values.strides[i])
    laid, at = values.transpose(axes), axes.index(axis)
    channels = laid.shape[at]
    outer, inner = math.prod(laid.shape[:at]), math.prod(laid.shape[at + 1 :])
    rows = _rows(outer, range(_MOST, _LEAST - 1, -1))
    within = _rows(inner, range(_ENOUGH, min(_MOST, inner // _WIDTH) + 1))
    if rows < _ENOUGH and within:
        blocks = laid.reshape(outer * channels, within, -1)
        return _Order(blocks, (outer, channels, inner // within))
    if not rows:
        return None
    return _Order(laid.reshape(1, rows, -1), (outer // rows, channels, inner))


def _rows(count: int, allowed: range) -> int:
    """The first number of rows allowed into which so many can be parted, 0 for none."""
    return next((one for one in allowed if count % one == 0), 0)


def _moments(order: _Order) -> Moments | None:
    channels = order.left[1]
    count = order.blocks.size // channels
    with np.errstate(over="ignore", invalid="ignore"):
        centre = _centre(order)
        ends, sums = _swept(order.blocks, None if centre is None else order.spread(centre))
    low, high = order.each(ends[0], np.minimum), order.each(ends[1], np.maximum)
    constant, fits = ordinary(low, high)
    if not fits.all():
        return None
    total, squares, zeros = (order.each(one, np.add) for one in sums.astype(np.float64))
    mean = total / count
    m2 = squares - total * mean
    mean = mean if centre is None else mean + centre
    untold = np.flatnonzero((4 * m2 < squares) & ~constant)
    if len(untold) > channels // 4:
        return None
    if len(untold):
        m2[untold] = _about_means(order, untold, mean[untold])
    return Moments(
        zeros=zeros.astype(np.int64),
        low=low,
        high=high,
        mean=np.where(constant, low, mean),
        m2=np.where(constant, 0.0, m2),
    )


def _centre(order: _Order) -> np.ndarray | None:
    """About what squares are added up, float32 `[c]`: the means of those channels that a few rows
    show to be far from 0. None where there are none."""
    a, channels, b = order.left
    some = order.blocks[:, : max(1, _SAMPLE // (a * b))]
    count = some.size // channels
    total = order.each(some.sum(axis=1, dtype=np.float64), np.add)
    squares = order.each(np.einsum("orq,orq->oq", some, some).astype(np.float64), np.add)
    mean = total / count
    far = 2 * mean * total > squares
    return np.where(far, mean, 0).astype(np.float32) if far.any() else None


def _swept(blocks: np.ndarray, about: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Over r: extremes `[2, o, q]`; sums and sums of squares about `[o, 1, q]`, and numbers of
    zeros, `[3, o, q]`."""
    count, _, width = blocks.shape
    ends, sums = (np.empty((n, count, width), np.float32) for n in (2, 3))
    room, flags = np.empty(0, np.float32), np.empty(0, np.bool_)
    for block, at in _cut(blocks):
        size = block.size
        if len(room) < size:
            room, flags = np.empty(size, np.float32), np.empty(size, np.bool_)
        work = room[:size].reshape(block.shape)
        low = block.min(axis=1, out=ends[(0, *at)])
        block.max(axis=1, out=ends[(1, *at)])
        away = block if about is None else np.subtract(block, about[at[0], :, at[1]], out=work)
        away.sum(axis=1, out=sums[(0, *at)])
        np.einsum("orq,orq->oq", away, away, out=sums[(1, *at)])
        # Of what has no sign the magnitudes are at hand.
        magnitudes = block if low.min() >= 0 else np.abs(block, out=work)
        zero = np.less(magnitudes, _TINY, out=flags[:size].reshape(block.shape))
        # As bytes: there are fewer rows than a byte counts.
        sums[(2, *at)] = zero.view(np.uint8).sum(axis=1, dtype=np.uint8)
    return ends, sums


def _about_means(order: _Order, some: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The squared deviations of some channels, which the few rows had shown to be near 0."""
    a, channels, b = order.left
    count, rows, _ = order.blocks.shape
    each = (rows, a, channels, b) if count == 1 else (a, channels, rows, b)
    turned = np.moveaxis(order.blocks.reshape(each), 2 if count == 1 else 1, 0)
    chosen = turned[some].astype(np.float64)
    return np.square(chosen - means[:, None, None, None]).sum(axis=(1, 2, 3))


def _cut(blocks: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[slice, slice]]]:
    """Parts that fit into a cache, each with its place in what a sum over r leaves."""
    count, rows, width = blocks.shape
    wide = min(width, max(1, _BLOCK_VALUES // rows))
    deep = max(1, _BLOCK_VALUES // (rows * wide))
    for i in range(0, count, deep):
        for j in range(0, width, wide):
            at = slice(i, i + deep), slice(j, j + wide)
            yield blocks[at[0], :, at[1]], at
