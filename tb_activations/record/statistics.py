"""Six statistics a channel and five numbers a layer, mergeable between slices of a batch.

Statistics: float32 `[channels, 6]`, columns min, max, mean, population std, fraction of exact
zeros among all values, count of non-finite values. The first four are over the finite values,
NaN where there are none. Values of a magnitude below the smallest normal number count as 0, and
float64 results beyond float32 saturate to ±inf.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tb_activations.record.moments import Moments, folded, moments, moments_of_rows
from tb_activations.record.sweep import swept

COLUMNS = ("min", "max", "mean", "std", "zeros", "nonfinite")

_BLOCK_VALUES = 1 << 16  # 64k float64 values stay in the second-level cache
_BLOCK_ROWS = 64  # or more of them, so that merging blocks of many channels costs little
_ROW_VALUES = 256
_HEADROOM = 2.0**-64  # keeps sums of values near 1e308 finite, and is exact
_BELOW_ONE = np.float32(1 - 2**-24)
_FLOAT32_TINY = float(np.finfo(np.float32).tiny)


class Sums(NamedTuple):
    """What a framework adds up on its device, from which slices of a batch are merged.

    The rows of one float64 array `[7, channels]`, which is all that leaves the device, or arrays of
    the framework's own. total: values a channel, finite or not. finite, zeros: counts. min, max:
    over the finite values, +inf and -inf where there are none. mean, variance: the population's,
    over the finite values.
    """

    total: Any
    finite: Any
    zeros: Any
    min: Any
    max: Any
    mean: Any
    variance: Any


SUMS = Sums._fields


@dataclass(frozen=True)
class LayerSummary:
    """One layer at one step.

    rms, largest: float32 over the finite values of all channels, NaN where there are none.
    dead, constant, nonfinite: numbers of channels.
    """

    rms: float
    largest: float
    dead: int
    constant: int
    nonfinite: int

    def numbers(self) -> np.ndarray:
        """float32 `[5]`, as a record holds them."""
        found = [self.rms, self.largest, self.dead, self.constant, self.nonfinite]
        return np.array(found, np.float32)


@dataclass(frozen=True)
class ChannelStatistics:
    """What is known of each channel of a layer; every array is `[channels]`.

    total: values a channel, finite or not. finite, zeros: int64 counts. min, max: float64 over
    the finite values, +inf and -inf where there are none. mean: float64. m2: float64, the sum of
    squared deviations from the mean.
    """

    total: int
    finite: np.ndarray
    zeros: np.ndarray
    min: np.ndarray
    max: np.ndarray
    mean: np.ndarray
    m2: np.ndarray

    @staticmethod
    def empty(channels: int) -> ChannelStatistics:
        """The statistics of no values."""
        count = np.zeros(channels, np.int64)
        real = np.zeros(channels, np.float64)
        return ChannelStatistics(0, count, count, real + np.inf, real - np.inf, real, real)

    @staticmethod
    def of(array: np.ndarray, channels_first: bool = False) -> ChannelStatistics:
        """The statistics of `array` `[n, …, c]` (or `[n, c, …]`), any real dtype.

        Works block by block, so that the extra memory does not grow with the array.
        """
        quick = ChannelStatistics.quick(array, channels_first)
        if quick is not None:
            return quick
        channels = array.shape[1 if channels_first else -1]
        working = working_dtype(array.dtype)
        narrow = working is np.float32 != array.dtype
        if narrow and not channels_first and array.size > _BLOCK_VALUES:
            found = _of_many(array.astype(working).reshape(-1, channels))
            if found is not None:
                return found
        result = ChannelStatistics.empty(channels)
        for block, axis in _blocks(array, channels_first):
            result = result.merge(_of_block(block, axis))
        return result

    @staticmethod
    def quick(array: np.ndarray, channels_first: bool = False) -> ChannelStatistics | None:
        """The same of float32, as it lies in memory; None where that takes more than few passes."""
        if array.dtype != np.float32 or not array.size:
            return None
        if not channels_first and array.flags.c_contiguous:
            rows = array.reshape(-1, array.shape[-1])
            return _of_many(rows) if array.size > _BLOCK_VALUES else None
        found = swept(array, 1 if channels_first else array.ndim - 1)
        return None if found is None else _of_moments(found, array.size // len(found.low))

    @staticmethod
    def of_sums(rows: np.ndarray) -> ChannelStatistics:
        """The statistics that a device has added up: float64 `[7, channels]`, the rows of `Sums`.

        Raises:
          ValueError: another number of rows.
        """
        if len(rows) != len(SUMS):
            raise ValueError(f"sums of {len(rows)} rows; there must be {', '.join(SUMS)}")
        sums = Sums(*rows)
        return ChannelStatistics(
            total=int(sums.total[0]) if len(sums.total) else 0,
            finite=sums.finite.astype(np.int64),
            zeros=sums.zeros.astype(np.int64),
            min=sums.min,
            max=sums.max,
            mean=sums.mean,
            m2=sums.variance * sums.finite,
        )

    def merge(self, other: ChannelStatistics) -> ChannelStatistics:
        """The statistics of both sets of values together.

        The mean and m2 are merged as in Chan, Golub and LeVeque (1979), the mean as a convex
        combination, which cannot overflow.
        """
        n = np.maximum(self.finite + other.finite, 1)
        a, b = self.finite / n, other.finite / n
        with np.errstate(over="ignore", invalid="ignore"):
            between = (other.mean - self.mean) ** 2 * (self.finite * b)
            m2 = self.m2 + other.m2 + np.where((a > 0) & (b > 0), between, 0.0)
        return ChannelStatistics(
            total=self.total + other.total,
            finite=self.finite + other.finite,
            zeros=self.zeros + other.zeros,
            min=np.minimum(self.min, other.min),
            max=np.maximum(self.max, other.max),
            mean=self.mean * a + other.mean * b,
            m2=m2,
        )

    def table(self) -> np.ndarray:
        """float32 `[channels, 6]`, the columns of this module's docstring."""
        some = self.finite > 0
        columns = [self.min, self.max, self.mean, np.sqrt(self.m2 / np.maximum(self.finite, 1))]
        table = np.empty((len(self.finite), len(COLUMNS)), np.float32)
        for i, column in enumerate(columns):
            table[:, i] = np.where(some, _to_float32(column), np.float32(np.nan))
        table[:, 4] = self._zero_fraction()
        table[:, 5] = self.total - self.finite
        return table

    def summary(self) -> LayerSummary:
        """The layer's five numbers."""
        count = int(self.finite.sum())
        dead = (self.zeros == self.total) & (self.total > 0)
        constant = (self.finite > 0) & (_to_float32(self.min) == _to_float32(self.max)) & ~dead
        return LayerSummary(
            rms=self._rms(count),
            largest=float(_to_float32(self._largest())) if count else float("nan"),
            dead=int(dead.sum()),
            constant=int(constant.sum()),
            nonfinite=int((self.finite < self.total).sum()),
        )

    def _zero_fraction(self) -> np.ndarray:
        fraction = (self.zeros / max(self.total, 1)).astype(np.float32)
        # One value in 2**25 that is not zero must not round to a dead channel.
        return np.where(self.zeros < self.total, np.minimum(fraction, _BELOW_ONE), fraction)

    def _largest(self) -> np.ndarray:
        some = self.finite > 0
        return np.maximum(np.abs(self.min[some]), np.abs(self.max[some])).max(initial=0.0)

    def _rms(self, count: int) -> float:
        if not count:
            return float("nan")
        with np.errstate(over="ignore"):
            squares = self.m2 / count + self.mean**2 * (self.finite / count)
            return float(_to_float32(np.sqrt(squares.sum())))


def working_dtype(dtype: np.dtype) -> type[np.floating]:
    """float64 where the source is float64 or an integer of 32 or 64 bits, else float32."""
    wide = dtype.kind in "fiu" and dtype.itemsize >= (8 if dtype.kind == "f" else 4)
    return np.float64 if wide else np.float32


def _to_float32(values: np.ndarray | float) -> np.ndarray:
    with np.errstate(over="ignore"):
        narrow = np.asarray(values).astype(np.float32)
    return np.where(np.abs(values) < _FLOAT32_TINY, np.float32(0), narrow)


def _blocks(array: np.ndarray, channels_first: bool) -> Iterator[tuple[np.ndarray, int]]:
    """(a part of `array`, the axis that is no channel): `[k, channels]`, or `[channels, k]`.

    Some 64k values at a time, whole rows of a kilobyte and more where channels stand as rows.
    """
    channels = array.shape[1 if channels_first else -1]
    if not array.size:
        return
    size = array[0].size // channels
    if not channels_first or size == 1:
        yield from _rows(array.reshape(-1, channels))
    elif size < _ROW_VALUES:  # short rows cost more to go through than to turn
        together = max(1, _BLOCK_VALUES // (size * channels))
        flat = array.reshape(-1, channels, size)
        for start in range(0, len(flat), together):
            yield from _rows(
                flat[start : start + together].transpose(0, 2, 1).reshape(-1, channels)
            )
    else:
        step = max(4 * _ROW_VALUES, _BLOCK_VALUES // channels)
        for example in array.reshape(-1, channels, size):
            for start in range(0, size, step):
                yield example[:, start : start + step], 1


def _rows(rows: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Blocks of rows `[k, channels]`, as many as can be folded evenly but for the last."""
    fold = folded(rows.shape[1])
    step = max(_BLOCK_ROWS, _BLOCK_VALUES // rows.shape[1]) // fold * fold or fold
    even = len(rows) // fold * fold
    for start in range(0, even, step):
        yield rows[start : min(even, start + step)], 0
    if even < len(rows):
        yield rows[even:], 0


def _of_block(block: np.ndarray, axis: int) -> ChannelStatistics:
    """The statistics of `[k, channels]` (axis 0) or `[channels, k]` (axis 1), k > 0."""
    values = block.astype(working_dtype(block.dtype), copy=False)
    found = moments(values, axis) if values.dtype == np.float32 else None
    if found is None:
        return _of_rows(values if axis == 0 else np.ascontiguousarray(values.T))
    return _of_moments(found, block.shape[axis])


def _of_many(rows: np.ndarray) -> ChannelStatistics | None:
    """The statistics of float32 rows `[k, channels]`, None where they are not that simple."""
    even = len(rows) // folded(rows.shape[1]) * folded(rows.shape[1])
    found = moments_of_rows(rows[:even]) if even else None
    if found is None:
        return None
    main = _of_moments(found, even)
    return main if even == len(rows) else main.merge(_of_block(rows[even:], 0))


def _of_moments(found: Moments, total: int) -> ChannelStatistics:
    return ChannelStatistics(
        total=total,
        finite=np.full(len(found.low), total, np.int64),
        zeros=found.zeros,
        min=_flush(found.low),
        max=_flush(found.high),
        mean=found.mean,
        m2=found.m2,
    )


def _of_rows(values: np.ndarray) -> ChannelStatistics:
    """The statistics of rows `[k, channels]` of the working dtype, whatever they hold."""
    total = len(values)
    zeros = np.count_nonzero(np.abs(values) < np.finfo(values.dtype).tiny, axis=0)
    finite = np.isfinite(values)
    if finite.all():
        count = np.full(values.shape[1], total, np.int64)
        low, high = values.min(axis=0), values.max(axis=0)
        if _could_hold_subnormals(low, high):
            values = np.where(np.abs(values) < np.finfo(values.dtype).tiny, 0, values)
        mean, m2 = _moments(values.astype(np.float64, copy=False), count)
    else:
        count = np.count_nonzero(finite, axis=0)
        low = np.where(finite, values, np.inf).min(axis=0)
        high = np.where(finite, values, -np.inf).max(axis=0)
        normal = finite & (np.abs(values) >= np.finfo(values.dtype).tiny)
        mean, m2 = _moments(np.where(normal, values, 0).astype(np.float64), count, finite)
    return ChannelStatistics(
        total=total,
        finite=count,
        zeros=zeros,
        min=_flush(low),
        max=_flush(high),
        mean=mean,
        m2=m2,
    )


def _could_hold_subnormals(low: np.ndarray, high: np.ndarray) -> bool:
    """Whether there is a channel so weak that a subnormal would be felt in its mean."""
    largest = np.maximum(np.abs(low), np.abs(high))
    return bool((largest < np.finfo(low.dtype).tiny * 2.0**40).any())


def _flush(values: np.ndarray) -> np.ndarray:
    tiny = np.finfo(values.dtype).tiny
    return np.where(np.abs(values) < tiny, 0.0, values).astype(np.float64)


def _moments(
    wide: np.ndarray, count: np.ndarray, finite: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sum of squared deviations of float64 rows; what is masked out stands as 0."""
    number = np.maximum(count, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = (wide * _HEADROOM).sum(axis=0) / number / _HEADROOM
        deviations = wide - mean
        if finite is not None:
            deviations[~finite] = 0
        return mean, np.einsum("nc,nc->c", deviations, deviations)
