"""Blobs → what a record says: its summary, statistics, labels and values.

Blobs can come from anywhere: every parser checks what it is given and raises `RecordError`. The
header's parser is in `header`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
from tensorboard.compat.proto import types_pb2

from tb_activations.record.deflate import at_once
from tb_activations.record.errors import RecordError
from tb_activations.record.header import MAX_CHANNELS, Header
from tb_activations.record.pages import decode_page, decode_tensor, parse_tensor
from tb_activations.record.statistics import COLUMNS, LayerSummary


class Blob(IntEnum):
    """What the blobs of a record are, by number; page i is blob `FIRST_PAGE + i`."""

    HEADER = 0
    SUMMARY = 1
    STATISTICS = 2
    LABELS = 3
    FIRST_PAGE = 4


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
    """The pages that hold these stored positions; page i is blob `Blob.FIRST_PAGE + i`."""
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
    out = np.empty((len(rows), len(columns), *spatial), np.dtype(header.dtype))
    if not out.size:
        return out
    if header.omitted:
        raise RecordError(f"the values were not stored: {header.omitted}")
    flat = out.reshape(len(rows), len(columns), -1)
    ends = np.cumsum(header.pages, dtype=np.int64)

    def add(page: int) -> None:
        count = header.pages[page]
        values = decode_page(pages[page], header.codec, header.dtype, count, header.plane_size)
        _place(header, flat, values, int(ends[page]) - count, rows, columns)

    wanted = page_range(header, examples, channels)
    for page in wanted:
        if page not in pages:
            raise RecordError(f"page {page} of {len(header.pages)} is missing")
    at_once(add, wanted)
    return out


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
    channels = header.shape[-1]
    if not header.dense and len(columns) == channels:  # planes stand as they are asked for
        planes = out.reshape(-1, values.shape[1])
        at = first - rows.start * channels
        start, stop = max(0, at), min(len(planes), at + len(values))
        planes[start:stop] = values[start - at : stop - at]
        return
    ids = np.arange(first, first + len(values))
    if header.dense:
        wanted = (ids >= rows.start) & (ids < rows.stop)
        out[ids[wanted] - rows.start, :, 0] = values[wanted][:, columns.start : columns.stop]
        return
    example, channel = np.divmod(ids, channels)
    wanted = (example >= rows.start) & (example < rows.stop)
    wanted &= (channel >= columns.start) & (channel < columns.stop)
    out[example[wanted] - rows.start, channel[wanted] - columns.start] = values[wanted]
