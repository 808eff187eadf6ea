"""Rows of bytes ↔ an 8-bit grey PNG: frame and filters by the record's own code.

A PNG is a signature and chunks, each a big-endian length, a type, data and the CRC-32 of the last
two. `IHDR` says the size; the data of all `IDAT` is one zlib stream of the rows, each after a byte
that names its filter. Written are one `IDAT` and filter 0 (none): byte planes gain less from
another than trying costs. Read is any such PNG; filters 2 to 4, which no writer of records chooses
for a single row, are undone by Pillow.
"""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from PIL import PngImagePlugin

from tb_activations.record.deflate import crc32, deflate, inflate
from tb_activations.record.errors import RecordError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRONT = 33  # bytes: the signature and the first chunk, IHDR
_END = b"\0\0\0\0IEND\xaeB`\x82"
_NONE, _SUB = 0, 1


def write(
    rows: np.ndarray, level: int, ends: Sequence[int] = (), by_zlib: Collection[int] = ()
) -> bytes:
    """A PNG of filtered rows, uint8 `[height, 1 + width]`, the first byte of each its filter.

    ends: where parts end that have little in common, of the bytes of all rows but for the last.
    by_zlib: numbers of the parts that zlib deflates, see `deflate`.
    """
    height, width = rows.shape[0], rows.shape[1] - 1
    front = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    flat = rows.reshape(-1)
    parts = [flat[a:b] for a, b in itertools.pairwise([0, *ends, len(flat)])]
    stream = deflate(parts, level, by_zlib)
    return b"".join([_SIGNATURE, *_chunk(b"IHDR", front), *_chunk(b"IDAT", stream), _END])


def read(page: bytes, height: int, width: int) -> np.ndarray:
    """The bytes of a PNG of this size, uint8 `[height, width]`, read-only or not.

    The size is checked before anything is inflated, and nothing is inflated beyond it.

    Raises:
      RecordError: no such PNG.
    """
    _check_front(page, height, width)
    stream = b"".join(data for kind, data in _chunks(page) if kind == b"IDAT")
    data = inflate(stream, height * (1 + width))
    rows = np.frombuffer(data, np.uint8).reshape(height, 1 + width)
    filters = rows[:, 0]
    if not filters.any():
        return rows[:, 1:]
    if filters.max() > _SUB:
        return _by_pillow(page)
    out = rows[:, 1:].copy()
    for row, kind in zip(out, filters, strict=True):
        if kind == _SUB:
            np.add.accumulate(row, dtype=np.uint8, out=row)
    return out


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", crc32(data, crc32(kind)))


def _chunks(page: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """(type, data) of each chunk as far as IEND; each lies within the page."""
    view, at = memoryview(page), len(_SIGNATURE)
    while at + 12 <= len(page):
        (length,) = struct.unpack_from(">I", page, at)
        kind, end = bytes(view[at + 4 : at + 8]), at + 8 + length
        if end + 4 > len(page):
            raise RecordError(f"a page's PNG ends within its chunk {kind!r}")
        if crc32(view[at + 4 : end]) != struct.unpack_from(">I", page, end)[0]:
            raise RecordError(f"a page's PNG has a chunk {kind!r} with a wrong checksum")
        if kind == b"IEND":
            return
        yield kind, view[at + 8 : end]
        at = end + 4
    raise RecordError("a page's PNG ends before its end is marked")


def _check_front(page: bytes, height: int, width: int) -> None:
    """The picture's header against what the record's header says."""
    if len(page) < _FRONT or page[:8] != _SIGNATURE or page[12:16] != b"IHDR":
        raise RecordError(f"a page that is not a PNG: it begins with {page[:8]!r}")
    found = struct.unpack(">IIBBBBB", page[16:29])
    if found != (width, height, 8, 0, 0, 0, 0):
        raise RecordError(
            f"a page's PNG is {found[0]}×{found[1]}, depth {found[2]}, colour {found[3]}; "
            f"the header says {width}×{height}, depth 8, grey"
        )


def _by_pillow(page: bytes) -> np.ndarray:
    try:
        # Not Image.open: it guesses formats and refuses large pictures of a size we have checked.
        return np.asarray(PngImagePlugin.PngImageFile(io.BytesIO(page)))
    except Exception as e:  # Pillow raises a dozen kinds on damage
        raise RecordError(f"a page's PNG cannot be read: {e}") from e
