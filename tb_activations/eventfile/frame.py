"""The frame around each record of an event file, and its checksums.

    length (uint64)   masked CRC-32C of these 8 bytes   data   masked CRC-32C of the data

All little-endian, as in TFRecord files. The data is a serialized `Event`.
"""

from __future__ import annotations

import struct

import google_crc32c

from tb_activations.eventfile.reading import read_at

FRAME_HEADER_BYTES = 12
FRAME_FOOTER_BYTES = 4
CHUNK = 1 << 20
_HEAD = struct.Struct("<QI").unpack_from
_LENGTH = struct.Struct("<Q").pack
_CRC = struct.Struct("<I").pack


def masked(crc: int) -> int:
    """A CRC-32C, rotated and offset as event files store it."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """The CRC-32C of `data`, as event files store it."""
    return masked(google_crc32c.value(data))


def frame(data: bytes) -> bytes:
    """`data` with its length and both checksums."""
    length = _LENGTH(len(data))
    return b"".join([length, _CRC(masked_crc32c(length)), data, _CRC(masked_crc32c(data))])


def length_at(buffer: bytes, at: int = 0) -> int | None:
    """The length of the data of a frame that begins at `at`, None where its checksum fails.

    Raises:
      struct.error: fewer than FRAME_HEADER_BYTES are left.
    """
    length, crc = _HEAD(buffer, at)
    return length if masked_crc32c(buffer[at : at + 8]) == crc else None


def holds(data: bytes, footer: bytes) -> bool:
    """Whether `footer` is the checksum of `data`."""
    return footer == _CRC(masked_crc32c(data))


def intact(descriptor: int, start: int, length: int) -> bool:
    """Whether the data of the frame at `start` has its checksum; reads a chunk at a time."""
    crc, at, end = 0, start + FRAME_HEADER_BYTES, start + FRAME_HEADER_BYTES + length
    while at < end:
        chunk = read_at(descriptor, min(CHUNK, end - at), at)
        if not chunk:
            return False
        crc = google_crc32c.extend(crc, chunk)
        at += len(chunk)
    return read_at(descriptor, FRAME_FOOTER_BYTES, end) == _CRC(masked(crc))
