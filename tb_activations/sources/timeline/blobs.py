"""The blobs of one record, read out of an event file when they are asked for.

A record of up to WHOLE bytes is read at once and kept in a `BlobCache` of bounded size; of a larger
one only the blobs that are wanted are read, once its checksum has been checked a chunk at a time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tb_activations.eventfile.frame import (
    FRAME_FOOTER_BYTES,
    FRAME_HEADER_BYTES,
    holds,
    intact,
    length_at,
)
from tb_activations.eventfile.reading import open_to_read, read_at
from tb_activations.eventfile.wire import MAX_BLOBS, Read, Value, blobs_of_tensor, values_of_event
from tb_activations.record.errors import RecordError
from tb_activations.sources.lru import Lru
from tb_activations.sources.series import Gone

SMALL_RECORD = 64 << 10  # up to this size a record's checksum is checked at once
WHOLE = 4 << 20
CACHE_BYTES = 32 << 20

Expected = tuple[bytes, int]  # tag, step


class BlobCache(Lru[tuple, bytes]):
    """The data of the records last read, CACHE_BYTES of them."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        super().__init__(limit, size=len)


@dataclass(frozen=True)
class EventBlobs:
    """The record in the frame at `offset` of an event file, its data of `length` bytes."""

    path: str
    offset: int
    length: int

    def read(
        self,
        indices: Sequence[int],
        *,
        expected: Expected | None = None,
        cache: BlobCache | None = None,
        verified: bool = False,
    ) -> list[bytes]:
        """The blobs of these numbers.

        Args:
          indices: 0 is the header.
          expected: the tag and step that the record must have.
          cache: keeps the whole data, which is checked first; without it nothing is checked.
          verified: whether the checksum is known to hold.

        Raises:
          RecordError: the data is damaged.
          Gone: the file is gone, or holds another record there.
        """
        try:
            descriptor = open_to_read(self.path)
        except FileNotFoundError as e:
            raise Gone(f"{self.path} is no longer there") from e
        try:
            unchecked = _reader(descriptor)
            read = unchecked if cache is None else self._checked(descriptor, cache, verified)
            value = self._value(read, expected)
            wanted = max(indices, default=-1) + 1
            spans = blobs_of_tensor(read, value.tensor, value.tensor_end, min(wanted, MAX_BLOBS))
            if len(spans) < wanted:
                raise RecordError(f"blob {wanted - 1} of {len(spans)} is missing")
            return [read(spans[i][0], spans[i][1] - spans[i][0]) for i in indices]
        finally:
            os.close(descriptor)

    def _checked(self, descriptor: int, cache: BlobCache, verified: bool) -> Read:
        """Reads data whose checksum holds: from memory, or from the file where it is large."""
        if self.length > WHOLE:
            if not verified and not intact(descriptor, self.offset, self.length):
                raise self._damage(descriptor)
            return _reader(descriptor)
        start = self.offset + FRAME_HEADER_BYTES
        status = os.fstat(descriptor)
        key = (status.st_dev, status.st_ino, self.offset, self.length)
        data = cache.get(key)
        if data is None:
            framed = read_at(descriptor, self.length + FRAME_FOOTER_BYTES, start)
            data = framed[: self.length]
            if not holds(data, framed[self.length :]):
                raise self._damage(descriptor)
            cache.put(key, data)
        return lambda offset, size: data[offset - start : offset - start + size]

    def _damage(self, descriptor: int) -> RecordError | Gone:
        """Damage, or another file in its place: then no frame of this length begins here."""
        head = read_at(descriptor, FRAME_HEADER_BYTES, self.offset)
        if len(head) < FRAME_HEADER_BYTES or length_at(head) != self.length:
            return Gone(f"{self.path} was truncated or replaced")
        return RecordError("its data is damaged")

    def _value(self, read: Read, expected: Expected | None) -> Value:
        start = self.offset + FRAME_HEADER_BYTES
        _, step, values = values_of_event(read, start, self.length)
        for value in reversed(values):
            if value.tensor and (expected is None or (value.tag, step) == expected):
                return value
        raise Gone(f"{self.path} holds another record there")


def _reader(descriptor: int) -> Read:
    return lambda offset, size: read_at(descriptor, size, offset)
