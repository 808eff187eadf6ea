"""`record` in TensorFlow ops: activations `[n, …, c]` → the blobs of a record, inside a graph.

What the device computes (`Kept`: stored planes, exponent, statistics) is apart from what only the
CPU can (`blobs`: PNG and strings), so that an accelerator sends over no more than is kept. Sizes
are Python integers where the graph knows them and int64 tensors where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tb_activations.record.metadata import VERSION
from tb_activations.record.options import Options, kept_channels, over_limit
from tb_activations.record.pages import FOLD, MIN_PNG_STATISTICS, MIN_PNG_VALUES, PAGE_VALUES
from tb_activations.record.statistics import COLUMNS
from tb_activations.record.storage import MAX_SHIFT, NAN, TOP
from tb_activations.training.tensorflow.statistics import GraphStatistics, graph_statistics, working

Tensor = Any
Size = Any  # a Python integer, or an int64 scalar tensor


@dataclass(frozen=True)
class Kept:
    """What one record needs, on the device.

    planes: stored values `[planes, plane_size]`. exponent: int32. statistics: of the whole batch.
    shape: int64, stored shape channels last. batch, channels, n: sizes. ids: int64 `[c]`, or None
    for all. all_ids: whether the ids are all after all, known only when it runs. omitted: whether
    the values are over the limit.
    """

    planes: Tensor
    exponent: Tensor
    statistics: GraphStatistics
    shape: Tensor
    batch: Size
    channels: Size
    n: Size
    ids: Tensor | None
    omitted: Tensor | bool


def keep(data: Tensor, options: Options) -> Kept:
    """Slices, scales and casts `data`; computes the statistics of all of it."""
    shape = _sizes(data)
    first = options.channels_first
    batch, channels, size = shape.n, shape.second if first else shape.last, shape.between(first)
    flat = tf.reshape(data, [batch, channels, size] if first else [batch, size, channels])
    statistics = graph_statistics(working(flat), first)
    ids = _kept_ids(channels, options.max_channels)
    count = channels if ids is None else _size_of(ids)
    n = _minimum(options.max_outputs, batch)
    omitted = _over_limit(n * size * count, options.precision)
    kept = flat[: _unless(omitted, n)]
    if ids is not None:
        kept = tf.gather(kept, ids, axis=1 if first else 2)
    finite = statistics.summary[4] == 0
    stored, exponent = _store(working(kept), options.precision, finite)
    planes = stored if first else tf.transpose(stored, [0, 2, 1])
    plane_size = _where(shape.dense, count, size)
    rows = _where(shape.dense, n, n * count)
    return Kept(
        planes=tf.reshape(planes, [_unless(omitted, rows), plane_size]),
        exponent=exponent,
        statistics=statistics,
        shape=tf.concat([[n], shape.spatial(first), [count]], 0),
        batch=batch,
        channels=channels,
        n=n,
        ids=ids,
        omitted=omitted,
    )


def blobs(kept: Kept, labels: Tensor, source: str, options: Options) -> Tensor:
    """string `[4 + pages]`: header, summary, statistics, labels, page, page, …"""
    pages, table, codec = _pages(kept.planes, options.compression)
    statistics, statistics_codec = _statistics(kept, options.compression)
    parts = [
        _header(kept, source, options, table, codec, statistics_codec),
        tf.io.serialize_tensor(kept.statistics.summary),
        statistics,
        tf.io.serialize_tensor(labels[: kept.n]),
    ]
    return tf.concat([tf.stack(parts), pages], 0)


# Sizes: Python integers as far as the graph knows them.


@dataclass(frozen=True)
class _Sizes:
    """The sides of a tensor, also of one whose rank is unknown."""

    n: Size
    second: Size
    last: Size
    rank: Size
    dynamic: Tensor
    static: tuple[int | None, ...] | None

    @property
    def dense(self) -> Tensor | bool:
        return self.rank == 2

    def between(self, channels_first: bool) -> Size:
        """The number of values of one channel of one example."""
        if self.static is not None and None not in self.static[1:]:
            sides = self.static[2:] if channels_first else self.static[1:-1]
            return int(np.prod([int(side or 0) for side in sides], dtype=np.int64))
        return tf.reduce_prod(self.spatial(channels_first))

    def spatial(self, channels_first: bool) -> Tensor:
        return self.dynamic[2:] if channels_first else self.dynamic[1:-1]


def _sizes(data: Tensor) -> _Sizes:
    dynamic = tf.shape(data, tf.int64)
    rank = data.shape.rank
    static = None if rank is None else tuple(data.shape.as_list())

    def side(i: int) -> Size:
        known = None if static is None else static[i]
        return dynamic[i] if known is None else known

    return _Sizes(
        n=side(0),
        second=side(1),
        last=side(-1),
        rank=tf.rank(data) if rank is None else rank,
        dynamic=dynamic,
        static=static,
    )


def _known(*sizes: Size) -> bool:
    return not any(tf.is_tensor(size) for size in sizes)


def _minimum(a: Size, b: Size) -> Size:
    return min(a, b) if _known(a, b) else tf.minimum(_int64(a), _int64(b))


def _maximum(a: Size, b: Size) -> Size:
    return max(a, b) if _known(a, b) else tf.maximum(_int64(a), _int64(b))


def _where(condition: Tensor | bool, yes: Size, no: Size) -> Size:
    if not tf.is_tensor(condition):
        return yes if condition else no
    return tf.where(condition, _int64(yes), _int64(no))


def _unless(omitted: Tensor | bool, size: Size) -> Size:
    return _where(omitted, 0, size)


def _int64(value: Size) -> Tensor:
    return tf.cast(value, tf.int64)


def _size_of(ids: Tensor) -> Size:
    return _int64(tf.shape(ids)[0]) if ids.shape[0] is None else int(ids.shape[0])


def _over_limit(values: Size, precision: str) -> Tensor | bool:
    """Known only when it runs; sizes known before have passed `check_size`."""
    over = over_limit(values * np.dtype(precision).itemsize)
    return over if tf.is_tensor(over) else False


def _kept_ids(channels: Size, max_channels: int | None) -> Tensor | None:
    if max_channels is None:
        return None
    if _known(channels):
        ids = kept_channels(channels, max_channels)
        return None if ids is None else tf.constant(ids, tf.int64)
    count = tf.minimum(channels, max_channels)
    numerator = tf.range(count) * (channels - 1)
    quotient, rest = numerator // _steps(count), numerator % _steps(count)
    up = (2 * rest > _steps(count)) | ((2 * rest == _steps(count)) & (quotient % 2 == 1))
    return quotient + _int64(up)


def _steps(count: Tensor) -> Tensor:
    return tf.maximum(count - 1, 1)


# Storage: see `storage`, of which this is the twin.


def _store(values: Tensor, precision: str, finite: Tensor) -> tuple[Tensor, Tensor]:
    """(stored, exponent), true value = stored · 2**exponent.

    finite: whether all values are known to be, a bool scalar.
    """
    if precision == "float32" and values.dtype == tf.float32:
        return values, tf.constant(0)
    if values.dtype == tf.float64:
        return _store_any(values, precision)
    largest = tf.maximum(tf.reduce_max(values), -tf.reduce_min(values))
    plain = finite & (largest >= _STRONG)
    return tf.cond(
        plain, lambda: _store_plain(values, largest), lambda: _store_any(values, precision)
    )


def _store_plain(values: Tensor, largest: Tensor) -> tuple[Tensor, Tensor]:
    """Finite float32 so strong that its subnormals vanish in float16: few passes over it."""
    shift = _shift(largest, "float16")
    return tf.cast(values * _power(shift, tf.float32), tf.float16), -shift


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


_STRONG = 2.0**-80
_BITS = {tf.float32: (tf.int32, 23, 127), tf.float64: (tf.int64, 52, 1023)}


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


# Pages and header, on the CPU: see `pages` and `record`.


def _pages(planes: Tensor, compression: int) -> tuple[Tensor, Tensor, Tensor]:
    """(pages string `[k]`, planes on each int64 `[k]`, codec string)."""
    count, size = (_sizes(planes).n, _sizes(planes).last)
    values = count * size
    png = values >= MIN_PNG_VALUES if compression else False
    return _branch(
        values == 0,
        lambda: (tf.zeros([0], tf.string), tf.zeros([0], tf.int64), tf.constant("tensor")),
        lambda: _branch(
            png,
            lambda: _png_pages(planes, count, size, compression),
            lambda: (
                tf.io.serialize_tensor(planes)[None],
                _int64([count]),
                tf.constant("tensor"),
            ),
        ),
    )


def _statistics(kept: Kept, compression: int) -> tuple[Tensor, Tensor]:
    """(the statistics' blob, its codec): see `record`."""
    table = kept.statistics.table

    def picture() -> Tensor:
        values = kept.channels * len(COLUMNS)
        return _pictures(tf.transpose(table), 1, values, compression)[0]

    png = kept.channels * len(COLUMNS) >= MIN_PNG_STATISTICS if compression else False
    return _branch(
        png,
        lambda: (picture(), tf.constant("png")),
        lambda: (tf.io.serialize_tensor(table), tf.constant("tensor")),
    )


def _branch(condition: Tensor | bool, yes: Any, no: Any) -> Any:
    if not tf.is_tensor(condition):
        return yes() if condition else no()
    return tf.cond(condition, yes, no)


def _png_pages(
    planes: Tensor, count: Size, size: Size, compression: int
) -> tuple[Tensor, Tensor, Tensor]:
    pages = -(-count // _maximum(1, PAGE_VALUES // size))
    least, more = count // pages, count % pages
    first = more * (least + 1)
    groups = [(planes[:first], more, least + 1), (planes[first:], pages - more, least)]
    pictures = [
        _pictures(part, number, height * size, compression)
        for part, number, height in groups
        if not (_known(number) and number == 0)
    ]
    table = [tf.fill([number], _int64(height)) for _, number, height in groups]
    return tf.concat(pictures, 0), tf.concat(table, 0), tf.constant("png")


def _pictures(planes: Tensor, number: Size, size: Size, compression: int) -> Tensor:
    """string `[number]`: `planes` as that many pages of `size` values."""
    each = tf.bitcast(tf.reshape(planes, [number, size]), tf.uint8)
    length = size * planes.dtype.size
    split = tf.stack([each[..., i] for i in range(planes.dtype.size)], 1)
    split = tf.reshape(split, [number, length])
    rows, width = _fold_of(length)
    if not _known(length) or rows * width != length:
        split = tf.pad(split, [[0, 0], [0, rows * width - length]])
    return tf.io.encode_png(tf.reshape(split, [number, rows, width, 1]), compression)


def _fold_of(size: Size) -> tuple[Size, Size]:
    rows = _maximum(1, -(-size // FOLD))
    return rows, -(-size // rows)


def _header(
    kept: Kept, source: str, options: Options, table: Tensor, codec: Tensor, statistics: Tensor
) -> Tensor:
    """The JSON of `record.Header`, in strings that a graph can build."""
    fields = {
        "version": str(VERSION),
        "dtype": f'"{options.precision}"',
        "source": f'"{source}"',
        "exponent": tf.strings.as_string(kept.exponent),
        "codec": tf.strings.join(['"', codec, '"']),
        "shape": _list(kept.shape),
        "batch": tf.strings.as_string(_int64(kept.batch)),
        "channels": tf.strings.as_string(_int64(kept.channels)),
        "examples": _list(tf.range(_int64(kept.n))),
        "channel_ids": _ids(kept),
        "pages": _list(table),
        "omitted": tf.where(kept.omitted, '"size"', "null"),
        "statistics": tf.strings.join(['"', statistics, '"']),
    }
    parts = [tf.strings.join([f'"{name}":', text]) for name, text in fields.items()]
    return tf.strings.join(["{", tf.strings.join(parts, ","), "}"])


def _ids(kept: Kept) -> Tensor:
    if kept.ids is None:
        return tf.constant("null")
    every = _int64(_size_of(kept.ids)) == _int64(kept.channels)
    return tf.where(every, "null", _list(kept.ids))


def _list(integers: Tensor) -> Tensor:
    joined = tf.strings.reduce_join(tf.strings.as_string(integers), separator=",")
    return tf.strings.join(["[", joined, "]"])
