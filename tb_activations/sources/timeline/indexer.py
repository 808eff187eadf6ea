"""Event files → rows of an index: only what is new since the last look, up to a deadline."""

from __future__ import annotations

import os
import struct
import time

from tb_activations.eventfile.frame import FRAME_FOOTER_BYTES, FRAME_HEADER_BYTES, holds, intact
from tb_activations.eventfile.reading import open_to_read, read_at
from tb_activations.eventfile.walk import Frame, Frames
from tb_activations.eventfile.wire import (
    blobs_of_tensor,
    head_of_event,
    head_of_tensor,
    plugin_of_value,
    values_of_event,
)
from tb_activations.eventfile.writer import event_files
from tb_activations.record.errors import RecordError
from tb_activations.sources.timeline.blobs import SMALL_RECORD
from tb_activations.sources.timeline.index import FOREIGN, Found, RunIndex
from tb_activations.sources.warn import logger


class Indexer:
    """Walks the event files of an index's directory; used from one thread, the index's lock held.

    files: how far each has been walked, by name.
    """

    def __init__(self, index: RunIndex) -> None:
        self.files: dict[str, Frames] = {}
        self._index = index

    def refresh(self, deadline: float) -> bool:
        """Indexes what is new, until `deadline`; says whether it came to the end."""
        names = event_files(self._index.directory)
        for name in set(self.files) - set(names):
            self._forget(name)
        # Not `all`: every file gets its turn, in order, until there is no time left.
        for name in names:
            try:
                if not self._advance(name, deadline):
                    return False
            except OSError as e:
                self._index.warn(("file", self._index.directory, name), "%s cannot be read: %s",
                                 self._index.path(name), e)  # fmt: skip
        return True

    def unread(self) -> dict[str, int]:
        """File name → bytes at its end that are no whole record, where there are any."""
        rest = {name: _size(frames.path) - frames.position for name, frames in self.files.items()}
        return {name: bytes_left for name, bytes_left in rest.items() if bytes_left > 0}

    def _forget(self, name: str) -> None:
        self.files.pop(name, None)
        self._index.forget(name)

    def _advance(self, name: str, deadline: float) -> bool:
        """Indexes a file's new frames; says whether it came to the end."""
        frames = self.files.get(name)
        if frames is None:
            frames = self.files[name] = Frames(self._index.path(name))
        elif frames.unchanged:
            return True
        descriptor = open_to_read(frames.path)
        try:
            if not frames.continues(descriptor):
                logger.info("%s was replaced; it is indexed anew", frames.path)
                self._forget(name)
                frames = self.files[name] = Frames(frames.path)
            return self._walk(name, frames, descriptor, deadline)
        finally:
            os.close(descriptor)

    def _walk(self, name: str, frames: Frames, descriptor: int, deadline: float) -> bool:
        def on_gap(first: int, last: int) -> None:
            self._index.say_dropped(name, first, "the length of the next record is damaged",
                                    f"what lies at bytes {first} to {last}")  # fmt: skip

        def on_bad(start: int) -> None:
            self._index.drop_anywhere(name, start)

        for count, frame in enumerate(frames.walk(descriptor, on_gap, on_bad)):
            if frame is not None:
                self._add(name, frames, descriptor, frame)
            if (count & 15 == 15 or frame is None) and time.monotonic() > deadline:
                return False
        return True

    def _add(self, name: str, frames: Frames, descriptor: int, frame: Frame) -> None:
        """Adds the records of one frame, in a few microseconds where it is laid out as usual."""
        start, length, buffer, at = frame
        try:
            head = head_of_event(buffer, at, length)
            tag = self._index.tags[head.tag] if head else FOREIGN
            blobs = head_of_tensor(buffer, head.tensor) if head and tag else None
        except (IndexError, KeyError, struct.error, RecordError):
            head, tag, blobs = None, FOREIGN, None
        else:
            if head and tag is FOREIGN:
                return
        try:
            if head is None or tag is None or blobs is None:
                self._add_any(name, frames, descriptor, frame)
                return
            header, first, last = blobs
            found = Found(start, length, head.step, head.wall_time, header, buffer[first:last],
                          _checked(buffer, at, length))  # fmt: skip
            self._index.add(tag, name, descriptor, found)
        except RecordError as e:
            self._index.say_dropped(name, start, str(e))

    def _add_any(self, name: str, frames: Frames, descriptor: int, frame: Frame) -> None:
        """Adds the records of an event of any layout, and learns tags. Raises RecordError."""
        start, length, _, _ = frame
        data = start + FRAME_HEADER_BYTES

        def read(offset: int, size: int) -> bytes:
            return read_at(descriptor, size, offset)

        wall_time, step, values = values_of_event(read, data, length)
        checked = None
        for value in values:
            if not value.tensor:
                continue
            if value.tag not in self._index.tags:
                if checked is None and not (checked := intact(descriptor, start, length)):
                    raise RecordError("its data is damaged")
                self._index.learn(value.tag, plugin_of_value(read, value))
            tag = self._index.tags.get(value.tag)
            if not tag:
                continue
            spans = blobs_of_tensor(read, value.tensor, value.tensor_end, 2)
            if len(spans) < 2:
                raise RecordError(f"a record of {len(spans)} blobs")
            frames.peek = min(SMALL_RECORD, max(frames.peek, spans[1][1] - start + 64))
            header, summary = (read(a, b - a) for a, b in spans)
            found = Found(start, length, step, wall_time, header, summary, checked)
            self._index.add(tag, name, descriptor, found)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _checked(buffer: bytes, at: int, length: int) -> bool | None:
    """Whether the checksum of a small record's data holds; None where it is not in the buffer."""
    end = at + length
    if length > SMALL_RECORD or end + FRAME_FOOTER_BYTES > len(buffer):
        return None
    return holds(buffer[at:end], buffer[end : end + FRAME_FOOTER_BYTES])
