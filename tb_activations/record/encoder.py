"""The record of one layer at one step: array ↔ blobs.

A record is a list of byte strings `[header, summary, statistics, labels, page, page, …]`:

* header: UTF-8 JSON, the fields of `Header`;
* summary: a serialized tensor, float32 `[5]`: RMS and largest magnitude of the layer, numbers of
  dead, constant and non-finite channels;
* statistics: float32 `[channels, 6]`, see `channel_statistics`, as a serialized tensor, or as one
  page of six planes where the header's `statistics` says so;
* labels: a serialized tensor of strings, one per kept example, or of none;
* pages: the kept values, see `pages` and `storage`; none where the header's `omitted` says why.

Blobs can come from anywhere: every parser checks what it is given and raises `RecordError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorboard.compat.proto import tensor_pb2, types_pb2

from tb_activations.record.header import MAX_CHANNELS, MAX_RECORD_BYTES, Header, parse_header
from tb_activations.record.metadata import VERSION
from tb_activations.record.options import Options, check_rank, check_size, kept_channels
from tb_activations.record.pages import (
    MIN_PNG_STATISTICS,
    RecordError,
    codec_for,
    decode_page,
    decode_tensor,
    encode_pages,
    encode_png,
    encode_tensor,
    page_table,
    parse_tensor,
    shape_proto,
)
from tb_activations.record.statistics import COLUMNS, ChannelStatistics, LayerSummary
from tb_activations.record.storage import check_dtype, restore, store

__all__ = [
    "COLUMNS",
    "MAX_RECORD_BYTES",
    "ChannelStatistics",
    "Header",
    "LayerSummary",
    "RecordError",
    "decode",
    "encode",
    "encode_kept",
    "page_range",
    "parse_header",
    "parse_labels",
    "parse_statistics",
    "parse_summary",
    "restore",
]

FIRST_PAGE = 4  # the blob index of page 0


def parse_summary(blob: bytes) -> LayerSummary:
    """The layer's five numbers. Raises RecordError."""
    rms, largest, *counts = (float(v) for v in decode_tensor(blob, "float32", (5,)))
    if not all(0 <= count <= MAX_CHANNELS for count in counts):
        raise RecordError(f"a summary with counts of channels {counts}")
    return LayerSummary(rms, largest, *(int(count) for count in counts))


def parse_statistics(blob: bytes, header: Header) -> np.ndarray:
    """float32 `[header.channels, 6]`. Raises RecordError."""
    if header.statistics == "tensor":
        return decode_tensor(blob, "float32", (header.channels, len(COLUMNS)))
    columns = decode_page(blob, header.statistics, "float32", len(COLUMNS), header.channels)
    return np.ascontiguousarray(columns.T)


def parse_labels(blob: bytes, header: Header) -> tuple[str, ...] | None:
    """One label per kept example, or None where there are none. Raises RecordError."""
    proto = parse_tensor(blob)
    if proto.dtype != types_pb2.DT_STRING:
        raise RecordError(f"labels of type {proto.dtype}; they must be strings")
    if not proto.string_val:
        return None
    if len(proto.string_val) != len(header.examples):
        raise RecordError(f"{len(proto.string_val)} labels for {len(header.examples)} examples")
    return tuple(label.decode("utf-8", "replace") for label in proto.string_val)


def page_range(header: Header, examples: slice, channels: slice) -> range:
    """The pages that hold these stored positions; blob `FIRST_PAGE + i` is page i."""
    first, last = _plane_span(header, examples, channels)
    ends = np.cumsum(header.pages, dtype=np.int64)
    if first >= last or not len(ends):
        return range(0)
    start, stop = np.searchsorted(ends, [first, last - 1], side="right")
    return range(int(start), int(stop) + 1)


def decode(
    header: Header, pages: Mapping[int, bytes], examples: slice, channels: slice
) -> np.ndarray:
    """Stored values `[examples, channels, *spatial]` of the slices of stored positions.

    Args:
      header: of the record.
      pages: page index → bytes, at least those of `page_range`.
      examples, channels: slices of stored positions, step 1.

    Returns:
      Values in the storage dtype; true value = stored · 2**header.exponent.

    Raises:
      RecordError: a page is missing, or does not hold what the header says.
    """
    n, c, *spatial = header.stored_shape
    rows, columns = range(n)[examples], range(c)[channels]
    out = np.zeros((len(rows), len(columns), *spatial), np.dtype(header.dtype))
    if not out.size:
        return out
    if header.omitted:
        raise RecordError(f"the values were not stored: {header.omitted}")
    flat = out.reshape(len(rows), len(columns), -1)
    ends = np.cumsum(header.pages, dtype=np.int64)
    for page in page_range(header, examples, channels):
        if page not in pages:
            raise RecordError(f"page {page} of {len(header.pages)} is missing")
        count = header.pages[page]
        values = decode_page(pages[page], header.codec, header.dtype, count, header.plane_size)
        _place(header, flat, values, int(ends[page]) - count, rows, columns)
    return out


def encode(
    array: Any,
    *,
    max_outputs: int = 4,
    max_channels: int | None = None,
    precision: str = "float16",
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
      precision: "float16" or "float32", see `storage`.
      compression: 0 (none) to 9.
      data_format: "channels_last" or "channels_first".
      labels: one per example of the batch, or one per kept example.

    Raises:
      TypeError: the dtype is not a real number.
      ValueError: a wrong rank or option, or values of more than 1 GiB to keep.
    """
    options = Options(max_outputs, max_channels, precision, compression, data_format)
    array = np.asarray(array)
    check_dtype(array.dtype)
    check_rank(array.ndim)
    channels = array.shape[1 if options.channels_first else -1]
    ids = kept_channels(channels, max_channels)
    kept = array[:max_outputs]
    if options.channels_first:
        kept = np.moveaxis(kept, 1, -1)
    count = channels if ids is None else len(ids)
    check_size((*kept.shape[:-1], count), precision)
    if ids is not None:
        kept = kept[..., list(ids)]
    return encode_kept(
        kept,
        ChannelStatistics.of(array, options.channels_first),
        batch=len(array),
        examples=range(len(kept)),
        channels=channels,
        channel_ids=ids,
        precision=precision,
        compression=compression,
        labels=labels,
    )


def encode_kept(
    kept: np.ndarray,
    statistics: ChannelStatistics,
    *,
    batch: int,
    examples: Sequence[int],
    channels: int,
    channel_ids: Sequence[int] | None = None,
    precision: str = "float16",
    compression: int = 1,
    labels: Sequence[Any] | None = None,
) -> list[bytes]:
    """The record of values already cut down to what is kept.

    Args:
      kept: `[n, *spatial, c]`, channels last.
      statistics: over everything that ran, of all `channels`.
      batch: examples that ran.
      examples: positions in the batch of the n kept.
      channels: channels of the layer.
      channel_ids: ids of the c kept, None for all.
      precision, compression: as in `encode`.
      labels: one per example of the batch, or one per kept example.

    Raises:
      ValueError: values of more than 1 GiB, or labels of another number.
    """
    check_size(kept.shape, precision)
    codec = codec_for(kept.size, compression)
    stored, exponent = store(kept, precision)
    planes = stored if kept.ndim == 2 else np.moveaxis(stored, -1, 1)
    shape = tuple(int(side) for side in kept.shape)
    header = Header(
        version=VERSION,
        dtype=precision,
        source=kept.dtype.name,
        exponent=exponent,
        codec=codec,
        shape=shape,
        batch=batch,
        channels=channels,
        examples=tuple(examples),
        channel_ids=None if channel_ids is None else tuple(channel_ids),
        pages=(),
        statistics=codec_for(len(COLUMNS) * channels, compression, MIN_PNG_STATISTICS),
    )
    flat = planes.reshape(header.planes, header.plane_size)
    header = _with_pages(header, page_table(len(flat), flat.shape[1], codec))
    return [
        header.to_json(),
        _encode_summary(statistics.summary()),
        _encode_statistics(statistics.table(), header.statistics, compression),
        encode_labels(labels, len(kept), batch),
        *encode_pages(flat, codec, compression),
    ]


def encode_labels(labels: Sequence[Any] | None, kept: int, batch: int) -> bytes:
    """The labels' blob; one label per example of the batch or per kept example."""
    values = [] if labels is None else _label_strings(labels, kept, batch)
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


def _encode_summary(summary: LayerSummary) -> bytes:
    numbers = [summary.rms, summary.largest, summary.dead, summary.constant, summary.nonfinite]
    return encode_tensor(np.array(numbers, np.float32))


def _encode_statistics(table: np.ndarray, codec: str, compression: int) -> bytes:
    if codec == "tensor":
        return encode_tensor(table)
    return encode_png(np.ascontiguousarray(table.T), compression)


def _with_pages(header: Header, pages: tuple[int, ...]) -> Header:
    return Header(**{**header.__dict__, "pages": pages})


def _plane_span(header: Header, examples: slice, channels: slice) -> tuple[int, int]:
    """First and one past the last plane of the slices."""
    rows, columns = range(header.shape[0])[examples], range(header.shape[-1])[channels]
    if not rows or not columns:
        return 0, 0
    if header.dense:
        return rows[0], rows[-1] + 1
    c = header.shape[-1]
    return rows[0] * c + columns[0], rows[-1] * c + columns[-1] + 1


def _place(
    header: Header,
    out: np.ndarray,
    values: np.ndarray,
    first: int,
    rows: range,
    columns: range,
) -> None:
    """Puts the planes of one page, the first of number `first`, into out `[n, c, plane]`."""
    ids = np.arange(first, first + len(values))
    if header.dense:
        wanted = (ids >= rows.start) & (ids < rows.stop)
        out[ids[wanted] - rows.start, :, 0] = values[wanted][:, columns.start : columns.stop]
        return
    example, channel = np.divmod(ids, header.shape[-1])
    wanted = (example >= rows.start) & (example < rows.stop)
    wanted &= (channel >= columns.start) & (channel < columns.stop)
    out[example[wanted] - rows.start, channel[wanted] - columns.start] = values[wanted]
