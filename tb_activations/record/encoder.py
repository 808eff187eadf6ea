"""Activations → the record of one layer at one step, in two verbs: what to keep, and its blobs.

A record is a list of byte strings `[header, summary, statistics, labels, page, page, …]`:

* header: UTF-8 JSON, the fields of `Header`;
* summary: a serialized tensor, float32 `[5]`: RMS and largest magnitude of the layer, numbers of
  dead, constant and non-finite channels;
* statistics: float32 `[channels, 6]`, see `statistics`, as a serialized tensor, or as one page of
  six planes where the header's `statistics` says so;
* labels: a serialized tensor of strings, one per kept example, or of none;
* pages: the kept values, see `pages` and `storage`; none where the header's `omitted` says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tensorboard.compat.proto import tensor_pb2, types_pb2

from tb_activations.record.attribution import Explanation
from tb_activations.record.header import Header
from tb_activations.record.metadata import VERSION
from tb_activations.record.options import (
    Options,
    check_rank,
    check_size,
    kept_channels,
    least,
    over_limit,
)
from tb_activations.record.pages import (
    MIN_PNG_STATISTICS,
    codec_for,
    encode_pages,
    encode_png,
    encode_tensor,
    page_table,
    planes_of,
    shape_proto,
)
from tb_activations.record.statistics import COLUMNS, ChannelStatistics
from tb_activations.record.storage import check_dtype, hides, settled, store


@dataclass(frozen=True)
class Kept:
    """What one record holds of a layer.

    values: `[n, *spatial, c]`, channels last, of the first n examples of the batch, in the dtype
    that was logged. statistics: over everything that ran, of all `channels`. batch: examples that
    ran. channels: of the layer. channel_ids: of the c kept, None for all. source: the name of the
    dtype that was logged, where NumPy has no such dtype (bfloat16); None for that of `values`.
    explanation: of what the values are the attribution, None where they are none.
    """

    values: np.ndarray
    statistics: ChannelStatistics
    batch: int
    channels: int
    channel_ids: tuple[int, ...] | None = None
    source: str | None = None
    explanation: Explanation | None = None


def encode(
    array: Any,
    *,
    max_outputs: int = 4,
    max_channels: int | None = None,
    precision: str = "auto",
    compression: int = 1,
    data_format: str = "channels_last",
    labels: Sequence[Any] | None = None,
) -> list[bytes]:
    """The record of one layer's activations.

    Args:
      array: `[n, c]`, `[n, l, c]`, `[n, h, w, c]` or `[n, d, h, w, c]` (`[n, c, …]` for
        channels_first), any real dtype.
      max_outputs: how many examples are kept, the first ones. The statistics are over all.
      max_channels: how many channels are kept, evenly spread; None for all.
      precision: "auto", "float16" or "float32", see `storage`.
      compression: 0 (none) to 9.
      data_format: "channels_last" or "channels_first".
      labels: one per example of the batch, or one per kept example.

    Raises:
      TypeError: the dtype is not a real number.
      ValueError: a wrong rank or option, or values of more than 1 GiB to keep.
    """
    options = Options(max_outputs, max_channels, precision, compression, data_format)
    return blobs(keep(array, options), labels, options)


def keep(array: Any, options: Options) -> Kept:
    """Slices `array` `[n, …, c]` (`[n, c, …]`); computes the statistics of all of it.

    Raises:
      TypeError: the dtype is not a real number.
      ValueError: a wrong rank, or values of more than 1 GiB to keep.
    """
    array = np.asarray(array)
    check_dtype(array.dtype)
    check_rank(array.ndim)
    channels = array.shape[1 if options.channels_first else -1]
    ids = kept_channels(channels, options.max_channels)
    values = array[: options.max_outputs]
    if options.channels_first:
        values = np.moveaxis(values, 1, -1)
    count = channels if ids is None else len(ids)
    check_size((*values.shape[:-1], count), options.precision)
    if ids is not None:
        values = values[..., list(ids)]
    statistics = ChannelStatistics.of(array, options.channels_first)
    return Kept(values, statistics, len(array), channels, ids)


def blobs(kept: Kept, labels: Sequence[Any] | None, options: Options) -> list[bytes]:
    """The record of what is kept; of the options, precision and compression count.

    Args:
      labels: one per example of the batch, or one per kept example.

    Raises:
      ValueError: values of more than 1 GiB, or labels of another number.
    """
    values, compression = kept.values, options.compression
    check_size(values.shape, options.precision)
    table = kept.statistics.table()
    source = kept.source or values.dtype.name
    stored, exponent = _stored(values, table, options.precision, source)
    header = Header(
        version=VERSION,
        dtype=stored.dtype.name,
        source=source,
        exponent=exponent,
        codec="tensor",
        shape=tuple(int(side) for side in values.shape),
        batch=kept.batch,
        channels=kept.channels,
        examples=tuple(range(len(values))),
        channel_ids=kept.channel_ids,
        pages=(),
        attribution=kept.explanation,
    )
    flat = planes_of(stored)
    texts = [] if labels is None else _label_strings(labels, len(values), kept.batch)
    summary = kept.statistics.summary().numbers()
    return packed(header, flat, table, summary, label_blob(texts), compression)


def packed(
    header: Header,
    flat: np.ndarray,
    table: np.ndarray,
    summary: np.ndarray,
    labels: bytes,
    compression: int,
) -> list[bytes]:
    """The blobs of what is stored.

    Args:
      header: how it is packed is filled in here.
      flat: stored values `[planes, plane_size]`. table: float32 `[channels, 6]`. summary: float32
        `[5]`. labels: their blob.
    """
    codec = codec_for(flat.size, compression)
    header = replace(
        header,
        codec=codec,
        pages=page_table(len(flat), flat.shape[1], codec),
        statistics=codec_for(len(COLUMNS) * header.channels, compression, MIN_PNG_STATISTICS),
    )
    return [
        header.to_json(),
        encode_tensor(summary),
        _encode_statistics(table, header.statistics, compression),
        labels,
        *encode_pages(flat, codec, compression),
    ]


def _stored(
    values: np.ndarray, table: np.ndarray, precision: str, source: str
) -> tuple[np.ndarray, int]:
    """What is stored of the values, and its exponent; "auto" looks at the statistics."""
    precision = settled(precision, source)
    stored, exponent = store(values, least(precision))
    if precision != "auto" or over_limit(4 * values.size):
        return stored, exponent
    coarse = hides(table[:, 0], table[:, 1], exponent)
    return store(values, "float32") if coarse else (stored, exponent)


def label_blob(values: Sequence[bytes]) -> bytes:
    """The labels' blob, of one label per kept example, or of none."""
    return tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING,
        tensor_shape=shape_proto((len(values),)),
        string_val=values,
    ).SerializeToString()


def _label_strings(labels: Sequence[Any], kept: int, batch: int) -> list[bytes]:
    values = list(labels)
    if len(values) not in (kept, batch):
        raise ValueError(
            f"{len(values)} labels; there must be one per example of the batch ({batch}) "
            f"or per kept example ({kept})"
        )
    return [v if isinstance(v, bytes) else str(v).encode("utf-8") for v in values[:kept]]


def _encode_statistics(table: np.ndarray, codec: str, compression: int) -> bytes:
    if codec == "tensor":
        return encode_tensor(table)
    return encode_png(np.ascontiguousarray(table.T), compression)
