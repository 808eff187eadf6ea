"""The statistics of float32 values, in blocks that stay in the cache and cheap passes over each.

A block is `[k, c]`, a row a position, or `[c, k]`, a row a channel, whichever lies in memory. Sums
are of at most 64 float32 at a time, and of those in float64; means are taken twice, the second time
of what is left after the first, so that a million and a little has a spread. Blocks that this does
not hold for (not finite, beyond 1e18, spread below 1e-12) are left to float64 and masks.

`moments_of_rows` adds up many blocks in six passes each, about a value near the means of the
first few; what that is not exact enough for is left to `moments`, block by block.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_TINY = np.finfo(np.float32).tiny
_LARGEST = 1e18  # whose squares float32 still adds up
_LEAST = 1e-12  # a spread whose squares do not vanish
_AT_ONCE = 64
_SAMPLE_ROWS = 16  # that show where the means lie
_FEW = 1 / 16  # of the channels
_INFINITY = np.uint32(0x7F800000)
_GOLDEN = (5**0.5 - 1) / 2
_BLOCK_VALUES = 1 << 17  # half a megabyte
_GROUP = 16  # blocks
_FLAGS = 255  # bytes of 0 or 1 that add up within a byte


_WIDTH = 2048  # values of a row that NumPy goes through at full speed


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


def moments_of_rows(rows: np.ndarray) -> Moments | None:
    """Of float32 `[k, c]`, k a multiple of `folded(c)`; None where this does not hold."""
    channels = rows.shape[1]
    wide = rows.reshape(-1, folded(channels) * channels)
    step = max(_AT_ONCE, _BLOCK_VALUES // wide.shape[1] // _AT_ONCE * _AT_ONCE)
    # From all over, in steps of no picture's size: the first rows are the corner of one alone.
    places = (np.arange(_SAMPLE_ROWS) + 0.5) * _GOLDEN % 1 * len(wide)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = _Sums(wide, step, channels, _centre(wide[places.astype(np.int64)], channels))
        sums.add()
        return sums.moments()


def _centre(sample: np.ndarray, channels: int) -> np.ndarray | None:
    """About what squares are added up, float32 `[c]`, from a few rows; None for 0.

    Some channels whose squares do not tell their spread are better gone through by themselves.
    """
    count = len(sample) * sample.shape[1] // channels
    mean = sample.sum(axis=0).reshape(-1, channels).sum(axis=0, dtype=np.float64) / count
    squares = np.einsum("kc,kc->c", sample, sample).reshape(-1, channels).sum(axis=0) / count
    far = 4 * mean**2 > 3 * squares
    if np.count_nonzero(far) <= channels * _FEW:
        return None
    return np.where(far, mean, 0).astype(np.float32)


class _Sums:
    """What is added up of rows `[k, width]`, in which channels stand in turns.

    What each block gives is written into a row of its own and added up a group at a time: calls on
    single rows would take a third of all the time. Of values without a sign the least is 0 where
    there are zeros: it is looked for in other channels alone, where the first rows show few.
    """

    def __init__(self, rows: np.ndarray, step: int, channels: int, centre: np.ndarray | None):
        """step: rows of a block at most, a multiple of _AT_ONCE and at most _FLAGS."""
        width, blocks = rows.shape[1], min(_GROUP, -(-len(rows) // step))
        self._rows, self._step, self._channels, self._centre = rows, step, channels, centre
        self._about = None if centre is None else np.tile(centre, width // channels)
        self._low, self._high = np.full(width, np.inf, np.float32), np.full(width, -np.inf, "f4")
        self._total, self._squares = np.zeros(width), np.zeros(width)
        self._zeros = np.zeros(width, np.int64)
        self._buffer = np.empty((0, width), np.float32)
        self._flags = np.empty((min(step, len(rows)), width), bool)
        self._lows, self._highs = np.empty((2, blocks, width), np.float32)
        self._counts = np.empty((blocks, width), np.uint8)
        self._totals, self._norms = np.empty((2, blocks, step // _AT_ONCE, width), np.float32)
        self._unsigned, self._low_later = True, False

    def add(self) -> None:
        """Goes through all rows."""
        first = self._each(self._rows[: self._step].min(axis=0), np.minimum)
        self._unsigned = bool((first >= 0).all())
        few = int(np.count_nonzero(first)) <= self._channels * _FEW
        self._low_later = self._unsigned and few
        for start in range(0, len(self._rows), _GROUP * self._step):
            group = self._rows[start : start + _GROUP * self._step]
            blocks = [group[i : i + self._step] for i in range(0, len(group), self._step)]
            self._add_group(blocks)
            if self._unsigned and self._highs[: len(blocks)].view(np.uint32).max() > _INFINITY:
                self._unsigned = False  # and what was found of the group as integers does not hold
                self._add_group(blocks)
            self._settle(len(blocks))

    def _add_group(self, blocks: list[np.ndarray]) -> None:
        for i, block in enumerate(blocks):
            # What reads memory fastest comes first. Of what has no sign the magnitudes are at hand.
            size = block if self._unsigned else np.abs(block, out=self._room(len(block)))
            flags = np.less(size, _TINY, out=self._flags[: len(block)]).view(np.uint8)
            np.add.reduce(flags, axis=0, dtype=np.uint8, out=self._counts[i])
            # As integers, what has no sign stands in the order of its size, below all that has one.
            if self._unsigned:
                np.maximum.reduce(block.view(np.uint32), axis=0, out=self._highs[i].view(np.uint32))
            else:
                np.maximum.reduce(block, axis=0, out=self._highs[i])
            if not self._low_later:
                np.minimum.reduce(block, axis=0, out=self._lows[i])
            away = block
            if self._about is not None:
                away = np.subtract(block, self._about, out=self._room(len(block)))
            self._add_up(away, i)

    def _add_up(self, away: np.ndarray, i: int) -> None:
        """The sums and sums of squares of each _AT_ONCE rows, which are written nowhere."""
        for j, start in enumerate(range(0, self._step, _AT_ONCE)):
            part = away[start : start + _AT_ONCE]  # of the last block, it may be of no rows
            np.add.reduce(part, axis=0, out=self._totals[i, j])
            np.einsum("kc,kc->c", part, part, out=self._norms[i, j])

    def _settle(self, n: int) -> None:
        """Adds up the blocks of a group."""
        width = len(self._low)
        if not self._low_later:
            np.minimum(self._low, self._lows[:n].min(axis=0), out=self._low)
        np.maximum(self._high, self._highs[:n].max(axis=0), out=self._high)
        self._zeros += self._counts[:n].sum(axis=0, dtype=np.int64)
        self._total += self._totals[:n].reshape(-1, width).sum(axis=0, dtype=np.float64)
        self._squares += self._norms[:n].reshape(-1, width).sum(axis=0, dtype=np.float64)

    def _room(self, rows: int) -> np.ndarray:
        if len(self._buffer) < rows:
            self._buffer = np.empty((rows, self._buffer.shape[1]), np.float32)
        return self._buffer[:rows]

    def _each(self, found: np.ndarray, reduce: np.ufunc) -> np.ndarray:
        """`[c]` of `[width]`."""
        return reduce.reduce(found.reshape(-1, self._channels), axis=0)

    def moments(self) -> Moments | None:
        """Of what was added up; None where float32 does not hold the squares.

        Channels whose squares do not tell the spread to four times their own error are gone
        through once more, by themselves.
        """
        rows = self._rows.reshape(-1, self._channels)
        zeros, high = self._each(self._zeros, np.add), self._each(self._high, np.maximum)
        low = self._lowest(rows, zeros)
        constant, fits = ordinary(low, high)
        if not fits.all():
            return None
        total, squares = self._each(self._total, np.add), self._each(self._squares, np.add)
        m2 = squares - total * total / len(rows)
        mean = total / len(rows) + (0.0 if self._centre is None else self._centre)
        vague = np.flatnonzero(~constant & ~(4 * m2 >= squares))
        if len(vague):
            mean[vague], m2[vague] = _about_mean(rows, vague)
        return Moments(
            zeros=zeros,
            low=low,
            high=high,
            mean=np.where(constant, low, mean),
            m2=np.where(constant, 0.0, m2),
        )

    def _lowest(self, rows: np.ndarray, zeros: np.ndarray) -> np.ndarray:
        low = self._each(self._low, np.minimum)
        if not self._low_later:
            return low
        if not self._unsigned:
            return self._each(self._rows.min(axis=0), np.minimum)
        low[zeros > 0] = 0
        others = np.flatnonzero(zeros == 0)
        if len(others):
            low[others] = _low_of(rows, others)
        return low


def _low_of(rows: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The least of the chosen columns, in parts that stay cached."""
    step = max(1, _BLOCK_VALUES // len(chosen))
    parts = [rows[start : start + step, chosen] for start in range(0, len(rows), step)]
    return np.min([part.min(axis=0) for part in parts], axis=0)


def _about_mean(rows: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mean, m2) of the chosen columns, in float64, in parts that stay cached."""
    step = max(1, _BLOCK_VALUES // 2 // len(chosen))
    parts = [slice(start, start + step) for start in range(0, len(rows), step)]
    mean = sum(rows[part, chosen].sum(axis=0, dtype=np.float64) for part in parts) / len(rows)
    m2 = np.zeros(len(chosen))
    for part in parts:
        away = rows[part, chosen] - mean
        m2 += np.einsum("kc,kc->c", away, away)
    return mean, m2


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
    constant, fits = ordinary(low, high)
    if not fits.all():
        return None
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


def ordinary(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each channel: whether it is constant, and whether float32 can square its spread."""
    with np.errstate(over="ignore", invalid="ignore"):
        spread, largest = high - low, np.maximum(np.abs(low), np.abs(high))
    constant = spread == 0
    return constant, ((spread >= _LEAST) | constant) & (largest <= _LARGEST)  # False of NaN


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
