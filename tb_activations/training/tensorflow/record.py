"""`record.encoder` in TensorFlow ops: activations `[n, …, c]` → a record's blobs, inside a graph.

What the device computes (`Kept`: stored planes, exponent, statistics) is apart from what only the
CPU can (`blobs`: PNG and strings), so that an accelerator sends over no more than is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from tb_activations.record.metadata import VERSION
from tb_activations.record.options import Options, kept_channels, over_limit, value_bytes
from tb_activations.record.pages import FOLD, MIN_PNG_STATISTICS, MIN_PNG_VALUES, PAGE_VALUES
from tb_activations.record.statistics import COLUMNS
from tb_activations.record.storage import settled
from tb_activations.training.tensorflow.sizes import (
    Size,
    branch,
    int64,
    known,
    maximum,
    minimum,
    size_of,
    sizes_of,
    times,
    unless,
    where,
)
from tb_activations.training.tensorflow.statistics import GraphStatistics, graph_statistics, working
from tb_activations.training.tensorflow.storage import hides, store, store_plain

Tensor = Any


@dataclass(frozen=True)
class Kept:
    """What one record needs, on the device.

    half, full: stored values `[rows, plane_size]`, float16 and float32, or as they lie, `[n, size,
    c]` (`[n, c, size]`), where they leave the graph; what is not stored is empty or None. wide:
    whether float32 is, known only when it runs where the precision is "auto". rows, plane_size: of
    what is stored. exponent: int32. statistics: of the whole batch. shape: int64, stored shape
    channels last. batch, channels, n: sizes. ids: int64 `[c]`, or None for all.
    omitted: whether the values are over the limit.
    """

    half: Tensor | None
    full: Tensor | None
    wide: Tensor | bool
    rows: Size
    plane_size: Size
    exponent: Tensor
    statistics: GraphStatistics
    shape: Tensor
    batch: Size
    channels: Size
    n: Size
    ids: Tensor | None
    omitted: Tensor | bool


def keep(
    data: Tensor,
    source: str,
    options: Options,
    statistics_of: Callable[[Tensor, bool, Size, str], GraphStatistics] = graph_statistics,
    turned: bool = True,
) -> Kept:
    """Slices, scales and casts `data`, of a dtype `source`; computes the statistics of all.

    turned: whether planes are laid out, see `Kept`.
    """
    shape = sizes_of(data)
    first = options.channels_first
    batch, channels, size = shape.n, shape.second if first else shape.last, shape.between(first)
    flat = tf.reshape(data, [batch, channels, size] if first else [batch, size, channels])
    ids = _kept_ids(channels, options.max_channels)
    count = channels if ids is None else size_of(ids)
    n = minimum(options.max_outputs, batch)
    precision = settled(options.precision, source)
    statistics = statistics_of(working(flat), first, n, precision)
    omitted = _over_limit(n * size * count, options.precision)
    kept = flat[: unless(omitted, n)]
    if ids is not None:
        kept = tf.gather(kept, ids, axis=1 if first else 2)
    plane_size = where(shape.dense, count, size)
    rows = unless(omitted, where(shape.dense, n, n * count))

    def planes(stored: Tensor) -> Tensor:
        if not turned:
            return stored
        flipped = stored if first else tf.transpose(stored, [0, 2, 1])
        return tf.reshape(flipped, [rows, plane_size])

    half, full, wide, exponent = _stored(
        working(kept),
        statistics if ids is None else replace(statistics, plain=None),
        precision,
        planes,
    )
    return Kept(
        half=half,
        full=full,
        wide=wide,
        rows=rows,
        plane_size=plane_size,
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
    pages, table, codec = branch(
        kept.wide,
        lambda: _pages(_whole(kept.full, kept), options.compression),
        lambda: _pages(_whole(kept.half, kept), options.compression),
    )
    statistics, statistics_codec = _statistics(kept, options.compression)
    parts = [
        _header(kept, source, table, codec, statistics_codec),
        tf.io.serialize_tensor(kept.statistics.summary),
        statistics,
        tf.io.serialize_tensor(labels[: kept.n]),
    ]
    return tf.concat([tf.stack(parts), pages], 0)


def _stored(
    values: Tensor, statistics: GraphStatistics, precision: str, planes: Callable[[Tensor], Tensor]
) -> tuple[Tensor | None, Tensor | None, Tensor | bool, Tensor]:
    """(half, full, wide, exponent) of `Kept`; `planes` lays out what is stored."""
    finite = statistics.summary[4] == 0
    if precision == "float32":
        full, exponent = store(values, "float32", finite)
        return None, planes(full), True, exponent

    def any_values() -> tuple[Tensor, Tensor]:
        return store(values, "float16", finite)

    plain, known = statistics.plain, statistics.exponent
    if precision == "float16":
        stored, exponent = (
            any_values()
            if plain is None
            else tf.cond(plain, lambda: (store_plain(values, known), known), any_values)
        )
        return planes(stored), None, False, exponent

    def as_float32() -> tuple[Tensor, Tensor, Tensor, Tensor]:
        full, exponent = store(values, "float32", finite)
        full = planes(full)
        return tf.cast(full[:0], tf.float16), full, tf.constant(True), exponent

    def as_float16(stored: Tensor, exponent: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        half = planes(stored)
        return half, tf.cast(half[:0], tf.float32), tf.constant(False), exponent

    def as_suits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
        stored, exponent = any_values()
        wide = hides(statistics.table, exponent) & ~over_limit(4 * tf.size(values, tf.int64))
        return tf.cond(wide, as_float32, lambda: as_float16(stored, exponent))

    if plain is None:
        return as_suits()
    return tf.cond(plain, lambda: as_float16(store_plain(values, known), known), as_suits)


def _whole(planes: Tensor, kept: Kept) -> Tensor:
    """The planes, of the size that the graph knows."""
    return tf.reshape(planes, [kept.rows, kept.plane_size])


def _over_limit(values: Size, precision: str) -> Tensor | bool:
    """Known only when it runs; sizes known before have passed `check_size`."""
    over = over_limit(values * value_bytes(precision))
    return over if tf.is_tensor(over) else False


def _kept_ids(channels: Size, max_channels: int | None) -> Tensor | None:
    if max_channels is None:
        return None
    if known(channels):
        ids = kept_channels(channels, max_channels)
        return None if ids is None else tf.constant(ids, tf.int64)
    count = tf.minimum(channels, max_channels)
    numerator = tf.range(count) * (channels - 1)
    quotient, rest = numerator // _steps(count), numerator % _steps(count)
    up = (2 * rest > _steps(count)) | ((2 * rest == _steps(count)) & (quotient % 2 == 1))
    return quotient + int64(up)


def _steps(count: Tensor) -> Tensor:
    return tf.maximum(count - 1, 1)


# Pages and header, on the CPU: see `record.pages` and `record.header`.


def _pages(planes: Tensor, compression: int) -> tuple[Tensor, Tensor, Tensor]:
    """(pages string `[k]`, planes on each int64 `[k]`, codec string)."""
    count, size = (sizes_of(planes).n, sizes_of(planes).last)
    values = times(count, size)
    png = values >= MIN_PNG_VALUES if compression else False
    return branch(
        values == 0,
        lambda: (tf.zeros([0], tf.string), tf.zeros([0], tf.int64), tf.constant("tensor")),
        lambda: branch(
            png,
            lambda: _png_pages(planes, count, size, compression),
            lambda: (
                tf.io.serialize_tensor(planes)[None],
                int64([count]),
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
    return branch(
        png,
        lambda: (picture(), tf.constant("png")),
        lambda: (tf.io.serialize_tensor(table), tf.constant("tensor")),
    )


def _png_pages(
    planes: Tensor, count: Size, size: Size, compression: int
) -> tuple[Tensor, Tensor, Tensor]:
    pages = -(-count // maximum(1, PAGE_VALUES // size))
    least, more = count // pages, count % pages
    first = more * (least + 1)
    groups = [(planes[:first], more, least + 1), (planes[first:], pages - more, least)]
    pictures = [
        _pictures(part, number, height * size, compression)
        for part, number, height in groups
        if not (known(number) and number == 0)
    ]
    table = [tf.fill([number], int64(height)) for _, number, height in groups]
    return tf.concat(pictures, 0), tf.concat(table, 0), tf.constant("png")


def _pictures(planes: Tensor, number: Size, size: Size, compression: int) -> Tensor:
    """string `[number]`: `planes` as that many pages of `size` values."""
    each = tf.bitcast(tf.reshape(planes, [number, size]), tf.uint8)
    length = size * planes.dtype.size
    split = tf.stack([each[..., i] for i in range(planes.dtype.size)], 1)
    split = tf.reshape(split, [number, length])
    rows, width = _fold_of(length)
    if not known(length) or rows * width != length:
        split = tf.pad(split, [[0, 0], [0, rows * width - length]])
    return tf.io.encode_png(tf.reshape(split, [number, rows, width, 1]), compression)


def _fold_of(size: Size) -> tuple[Size, Size]:
    rows = maximum(1, -(-size // FOLD))
    return rows, -(-size // rows)


def _header(kept: Kept, source: str, table: Tensor, codec: Tensor, statistics: Tensor) -> Tensor:
    """The JSON of `record.Header`, in strings that a graph can build."""
    fields = {
        "version": str(VERSION),
        "dtype": tf.where(kept.wide, '"float32"', '"float16"'),
        "source": f'"{source}"',
        "exponent": tf.strings.as_string(kept.exponent),
        "codec": tf.strings.join(['"', codec, '"']),
        "shape": _list(kept.shape),
        "batch": tf.strings.as_string(int64(kept.batch)),
        "channels": tf.strings.as_string(int64(kept.channels)),
        "examples": _list(tf.range(int64(kept.n))),
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
    every = int64(size_of(kept.ids)) == int64(kept.channels)
    return tf.where(every, "null", _list(kept.ids))


def _list(integers: Tensor) -> Tensor:
    joined = tf.strings.reduce_join(tf.strings.as_string(integers), separator=",")
    return tf.strings.join(["[", joined, "]"])
