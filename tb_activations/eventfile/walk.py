"""The frames of an event file that grows, by hopping from length to length.

Only the checksum of the length is checked while hopping; `frame.intact` checks that of the data. A
torn frame at the end is waited for. After a bad length, the next 12 bytes whose checksum holds are
where the file goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np

from tb_activations.eventfile.frame import (
    FRAME_FOOTER_BYTES,
    FRAME_HEADER_BYTES,
    intact,
    length_at,
)
from tb_activations.eventfile.reading import read_at

WINDOW = 256 << 10  # read at once where records are small
SMALL_WINDOW = 4 << 10  # where they are not, only their heads are wanted
SMALL = 32 << 10
SCAN = 1 << 20
LEAD = 64

Frame = tuple[int, int, bytes, int]  # offset of the frame, length of its data, buffer, data's index


class Frames:
    """A place in one event file, moved on as the file grows.

    position: where the next frame begins. peek: so much of each frame is in the buffer, at least.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.position = 0
        self.peek = 1 << 10
        self._seen: tuple[int, ...] = ()
        self._lead = b""
        self._last: tuple[int, int, bytes] | None = None
        self._gap: int | None = None
        self._scanned = 0

    @property
    def unchanged(self) -> bool:
        """Whether the file is as it was when last walked to its end. Raises OSError."""
        return self._seen == _identity(os.stat(self.path))

    def continues(self, descriptor: int) -> bool:
        """Whether the open file is the one walked so far, perhaps longer, not another."""
        now = _identity(os.fstat(descriptor))
        if self._seen and self._seen[:2] != now[:2]:
            return False
        if now[2] < self.position:
            return False
        if read_at(descriptor, len(self._lead), 0) != self._lead:
            return False
        if self._last is None:
            return True
        start, _, head = self._last
        return read_at(descriptor, len(head), start) == head

    def walk(
        self,
        descriptor: int,
        on_gap: Callable[[int, int], None],
        on_bad: Callable[[int], None],
    ) -> Iterator[Frame | None]:
        """The frames from `position` to the end; None from time to time while nothing is found.

        Each is passed once it is yielded. on_gap(first, last) is told of bytes that were skipped,
        on_bad(start) of a frame already yielded whose data was found damaged.
        """
        status = os.fstat(descriptor)
        self._note_lead(descriptor, status)
        size = status.st_size
        buffer, base, window = b"", 0, WINDOW
        while self.position + FRAME_HEADER_BYTES <= size:
            start = self.position
            at = start - base
            if at + FRAME_HEADER_BYTES > len(buffer):
                buffer, base, at = read_at(descriptor, window, start), start, 0
                if len(buffer) < FRAME_HEADER_BYTES:
                    return
            length = length_at(buffer, at)
            if length is None:
                found = self._scan(descriptor, size, on_bad)
                if found is None and self._scanned + FRAME_HEADER_BYTES > size:
                    break
                if found is not None:
                    on_gap(start if self._gap is None else self._gap, found)
                    self.position, self._gap = found, None
                yield None
                continue
            self._gap = None
            end = start + FRAME_HEADER_BYTES + length + FRAME_FOOTER_BYTES
            if end > size:
                break
            need = FRAME_HEADER_BYTES + min(length + FRAME_FOOTER_BYTES, self.peek)
            if at + need > len(buffer):
                window = max(need, WINDOW if length <= SMALL else SMALL_WINDOW)
                _expect(descriptor, hops=length > SMALL)
                buffer, base, at = read_at(descriptor, window, start), start, 0
                if len(buffer) < need:
                    return
            self.position = end
            self._last = (start, length, buffer[at : at + FRAME_HEADER_BYTES])
            yield start, length, buffer, at + FRAME_HEADER_BYTES
        self._seen = _identity(status)

    def _note_lead(self, descriptor: int, status: os.stat_result) -> None:
        if len(self._lead) < LEAD:
            self._lead = read_at(descriptor, min(LEAD, self.position), 0)
        if not self._seen:
            self._seen = (*_identity(status)[:2], -1, -1)

    def _scan(self, descriptor: int, size: int, on_bad: Callable[[int], None]) -> int | None:
        """Looks a window further for the next frame behind a bad length at `position`."""
        if self._gap is None:
            self._gap = self.position
            self._scanned = self.position + 1
            if self._last is not None and not intact(descriptor, *self._last[:2]):
                # It was torn, and others were appended: they may lie inside what it claimed.
                on_bad(self._last[0])
                self._scanned = self._last[0] + FRAME_HEADER_BYTES
        window = read_at(descriptor, SCAN, self._scanned)
        found = find_length(window, size - self._scanned)
        if found is not None:
            return self._scanned + found
        self._scanned += max(0, len(window) - FRAME_HEADER_BYTES + 1)
        return None


def find_length(window: bytes, remaining: int) -> int | None:
    """The first index of `window` at which a frame's length and its checksum begin.

    Args:
      window: bytes of the file.
      remaining: how many bytes the file has from the window's start on.
    """
    count = len(window) - FRAME_HEADER_BYTES + 1
    if count <= 0:
        return None
    low, high = (np.ndarray((count,), "<u4", window, offset, (1,)) for offset in (0, 4))
    for index in np.flatnonzero((high == 0) & (low > 0) & (low < remaining)).tolist():
        if length_at(window, index) is not None:
            return index
    return None


def _expect(descriptor: int, *, hops: bool) -> None:
    """Tells the system not to read ahead where only the heads of records are wanted."""
    if hasattr(os, "posix_fadvise"):  # not on macOS
        advice = os.POSIX_FADV_RANDOM if hops else os.POSIX_FADV_NORMAL
        os.posix_fadvise(descriptor, 0, 0, advice)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
