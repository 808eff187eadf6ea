"""Event files → where each record lies, so that any step can be read on demand.

A `RunTimeline` indexes the event files of one run's directory, only what is new at each refresh. It
keeps a `ROW` (55 bytes) for each record of this plugin, in packed blocks, one `Part` for a tag in a
file; headers that records have in common are kept once. Readers take immutable snapshots
(`TimelineSeries`) and never wait for the indexing.

What hides what: within a file, and from file to file in the order of their names, a record hides
every earlier one of its tag whose step is not smaller. Where the wall times of a tag in two files
interleave, two writers were at work at once: their records are merged by step, the later wall time
wins.
"""

from __future__ import annotations

import functools
import math
import os
import re
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import is_
from typing import NamedTuple

import numpy as np
from tensorboard.compat.proto import summary_pb2

from tb_activations.eventfile.frame import FRAME_FOOTER_BYTES, FRAME_HEADER_BYTES, holds, intact
from tb_activations.eventfile.walk import Frame, Frames
from tb_activations.eventfile.wire import (
    Value,
    blobs_of_tensor,
    head_of_event,
    head_of_tensor,
    plugin_of_value,
    values_of_event,
)
from tb_activations.eventfile.writer import event_files
from tb_activations.names import PLUGIN_NAME
from tb_activations.record.decoder import Blob, parse_labels, parse_summary
from tb_activations.record.errors import RecordError
from tb_activations.record.header import MAX_CHANNELS, Header, parse_header
from tb_activations.record.metadata import parse_metadata
from tb_activations.sources.series import Gone, summary_row
from tb_activations.sources.timeline.blobs import BlobCache, EventBlobs
from tb_activations.sources.timeline.rows import (
    NO_NUMBER,
    PACK,
    ROW,
    Interned,
    Merged,
    Part,
    Rows,
    Tag,
    merge,
)
from tb_activations.sources.warn import WarnOnce, logger

_FLOATS5 = struct.Struct("<5f").unpack_from
# A serialized float32 tensor of shape [5], before its 20 bytes.
_SUMMARY_PREFIX = b'\x08\x01\x12\x04\x12\x02\x08\x05"\x14'
_EXPONENT = re.compile(rb'"exponent": ?(-?[0-9]{1,4})(?=[,} ])')
SMALL_RECORD = 64 << 10  # up to this size a record's checksum is checked at once
MAX_SAID = 20  # warnings a file; further damage is only counted
FOREIGN = None


class Found(NamedTuple):
    """A record come upon; checked: whether its checksum holds, None where it was not looked at."""

    start: int
    length: int
    step: int
    wall_time: float
    header: bytes
    summary: bytes
    checked: bool | None


class RunTimeline:
    """The index of one run's directory.

    Args:
      directory: local.
      cache: of records lately read, shared between runs.
      warn: says each thing once.
    """

    def __init__(self, directory: str, cache: BlobCache, warn: WarnOnce) -> None:
        self.directory = directory
        self.cache = cache
        self.complete = False
        self.records = 0
        self.dropped = 0
        self._warn = warn
        self._files: dict[str, Frames] = {}
        self._tags: dict[bytes, Tag | None] = {}
        self._headers = Interned()
        self._labels = Interned()
        self._touched: set[Part] = set()
        self._said: dict[str, int] = {}  # warnings by file
        self._lock = threading.Lock()  # held while parts change, never to read them
        self._labels_lock = threading.Lock()

    @property
    def has_files(self) -> bool:
        return bool(self._files)

    def refresh(self, deadline: float = math.inf) -> bool:
        """Indexes what is new, until `deadline` (of time.monotonic); says whether it is at the end.

        Called from one thread at a time.
        """
        with self._lock:
            try:
                self.complete = self._refresh(deadline)
            finally:
                for part in self._touched:
                    part.publish()
                self._touched.clear()
        return self.complete

    def tags(self) -> list[str]:
        """The names of this plugin's tags that have records, sorted."""
        ours = [found for found in list(self._tags.values()) if found is not None]
        return sorted(
            tag.name for tag in ours if any(len(part.rows) for part in tag.parts.values())
        )

    def series(self, tag: str) -> TimelineSeries | None:
        """A snapshot of a tag's steps; None where all is indexed and the tag is not there."""
        complete = self.complete
        found = self._tags.get(tag.encode("utf-8", "surrogateescape"))
        parts = sorted(found.parts.items()) if found else []
        filled = [(name, rows) for name, part in parts if len(rows := part.rows)]
        if not filled or not found:
            nothing = TimelineSeries(self, tag, complete, ("",), (Rows(),))
            return None if complete and not found else nothing
        files, snapshots = zip(*filled, strict=True)
        merged = self._merged(found, snapshots) if len(snapshots) > 1 else None
        return TimelineSeries(self, tag, complete, files, snapshots, merged)

    def drop(self, tag: str, step: int, file: str, offset: int, reason: str) -> None:
        """Takes a record out that was found damaged when it was read."""
        with self._lock:
            found = self._tags.get(tag.encode("utf-8", "surrogateescape"))
            if found and file in found.parts and found.parts[file].drop(offset):
                self._say_dropped(file, offset, reason, f"step {step} of tag {tag!r}")

    def header(self, row: np.void, file: str) -> Header:
        """The header of an indexed record. Raises RecordError, OSError where it must be read."""
        number = int(row["header"])
        if number == NO_NUMBER:
            return parse_header(self._blob(row, file, Blob.HEADER))
        return _with_exponent(self._headers.values[number], int(row["exponent"]))

    def labels(self, row: np.void, file: str) -> tuple[str, ...] | None:
        """The labels of an indexed record, or None; read the first time, then remembered."""
        number = int(row["labels"])
        if number != NO_NUMBER:
            return self._labels.values[number]
        try:
            blob = self._blob(row, file, Blob.LABELS)
            labels = parse_labels(blob, self.header(row, file))
        except (RecordError, OSError, Gone):
            return None
        with self._labels_lock:
            known = self._labels.number(blob)
            row["labels"] = self._labels.add(blob, labels) if known is None else known
        return labels

    def _blob(self, row: np.void, file: str, index: int) -> bytes:
        path = os.path.join(self.directory, file)
        return EventBlobs(path, int(row["offset"]), int(row["length"])).read([index])[0]

    def _merged(self, tag: Tag, parts: tuple[Rows, ...]) -> Merged:
        """The merge of several parts, made anew where any has changed."""
        cached = tag.merged
        if cached and len(cached.parts) == len(parts) and all(map(is_, cached.parts, parts)):
            return cached
        which, rows, interleaved = merge(
            [(part.column("step"), part.column("wall_time")) for part in parts]
        )
        if interleaved:
            self._warn(
                ("writers", self.directory),
                "%s: two writers log tag %r at once; their steps are merged, the later wall time "
                "wins", self.directory, tag.name,
            )  # fmt: skip
        tag.merged = Merged(parts, which, rows)
        return tag.merged

    def _refresh(self, deadline: float) -> bool:
        names = event_files(self.directory)
        for name in set(self._files) - set(names):
            self._forget(name)
        # Not `all`: every file gets its turn, in order, until there is no time left.
        for name in names:
            try:
                if not self._advance(name, deadline):
                    return False
            except OSError as e:
                self._warn(("file", self.directory, name), "%s cannot be read: %s",
                           os.path.join(self.directory, name), e)  # fmt: skip
        return True

    def _forget(self, name: str) -> None:
        self._files.pop(name, None)
        for tag in list(self._tags.values()):
            if tag:
                tag.parts.pop(name, None)

    def _advance(self, name: str, deadline: float) -> bool:
        """Indexes a file's new frames; says whether it came to the end."""
        frames = self._files.get(name)
        if frames is None:
            frames = self._files[name] = Frames(os.path.join(self.directory, name))
        elif frames.unchanged:
            return True
        descriptor = os.open(frames.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if not frames.continues(descriptor):
                logger.info("%s was replaced; it is indexed anew", frames.path)
                self._forget(name)
                frames = self._files[name] = Frames(frames.path)
            return self._walk(name, frames, descriptor, deadline)
        finally:
            os.close(descriptor)

    def _walk(self, name: str, frames: Frames, descriptor: int, deadline: float) -> bool:
        def on_gap(first: int, last: int) -> None:
            self._say_dropped(name, first, "the length of the next record is damaged",
                              f"what lies at bytes {first} to {last}")  # fmt: skip

        def on_bad(start: int) -> None:
            self._drop_anywhere(name, start)

        for count, frame in enumerate(frames.walk(descriptor, on_gap, on_bad)):
            if frame is not None:
                self._index(name, frames, descriptor, frame)
            if (count & 15 == 15 or frame is None) and time.monotonic() > deadline:
                return False
        return True

    def _drop_anywhere(self, name: str, offset: int) -> None:
        for tag in self._tags.values():
            if tag and name in tag.parts and tag.parts[name].drop(offset):
                self._say_dropped(name, offset, "its data is damaged")

    def _index(self, name: str, frames: Frames, descriptor: int, frame: Frame) -> None:
        """Adds the records of one frame, in a few microseconds where it is laid out as usual."""
        start, length, buffer, at = frame
        try:
            head = head_of_event(buffer, at, length)
            tag = self._tags[head.tag] if head else FOREIGN
            blobs = head_of_tensor(buffer, head.tensor) if head and tag else None
        except (IndexError, KeyError, struct.error, RecordError):
            head, tag, blobs = None, FOREIGN, None
        else:
            if head and tag is FOREIGN:
                return
        try:
            if head is None or tag is None or blobs is None:
                self._index_any(name, frames, descriptor, frame)
                return
            header, first, last = blobs
            found = Found(start, length, head.step, head.wall_time, header, buffer[first:last],
                          _checked(buffer, at, length))  # fmt: skip
            self._add(tag, name, descriptor, found)
        except RecordError as e:
            self._say_dropped(name, start, str(e))

    def _index_any(self, name: str, frames: Frames, descriptor: int, frame: Frame) -> None:
        """Adds the records of an event of any layout, and learns tags. Raises RecordError."""
        start, length, _, _ = frame
        data = start + FRAME_HEADER_BYTES

        def read(offset: int, size: int) -> bytes:
            return os.pread(descriptor, size, offset)

        wall_time, step, values = values_of_event(read, data, length)
        checked = None
        for value in values:
            if not value.tensor:
                continue
            if value.tag not in self._tags:
                if checked is None and not (checked := intact(descriptor, start, length)):
                    raise RecordError("its data is damaged")
                self._learn(value, plugin_of_value(read, value))
            tag = self._tags.get(value.tag)
            if not tag:
                continue
            spans = blobs_of_tensor(read, value.tensor, value.tensor_end, 2)
            if len(spans) < 2:
                raise RecordError(f"a record of {len(spans)} blobs")
            frames.peek = min(SMALL_RECORD, max(frames.peek, spans[1][1] - start + 64))
            header, summary = (read(a, b - a) for a, b in spans)
            found = Found(start, length, step, wall_time, header, summary, checked)
            self._add(tag, name, descriptor, found)

    def _learn(self, value: Value, plugin: summary_pb2.SummaryMetadata.PluginData | None) -> None:
        """Whether a tag is of this plugin; a tag's first metadata decides."""
        if plugin is None:
            return
        name = value.tag.decode("utf-8", "surrogateescape")
        self._tags[value.tag] = Tag(name) if _is_ours(plugin) else FOREIGN

    def _add(self, tag: Tag, name: str, descriptor: int, found: Found) -> None:
        """Adds one record, or says why not."""
        part = tag.part(name)
        try:
            row = self._row(part, descriptor, found)
        except RecordError as e:
            what = f"step {found.step} of tag {tag.name!r}"
            self._say_dropped(name, found.start, str(e), what)
            return
        part.add(found.step, row)
        self._touched.add(part)
        self.records += 1

    def _row(self, part: Part, descriptor: int, found: Found) -> bytes:
        """The packed row; the data is checked where damage would do harm. Raises RecordError."""
        start, length, step, wall_time, header, summary, checked = found
        number, exponent = self._header_number(header)
        if checked is None and (number is None or part.suspicious(step)):
            checked = intact(descriptor, start, length)
        if checked is False:
            raise RecordError("its data is damaged")
        if number is None:
            parsed = parse_header(header)
            exponent = parsed.exponent
            number = self._headers.add(_without_exponent(header), replace(parsed, exponent=0))
        return PACK(step, wall_time, start, length, *_summary(summary), number, NO_NUMBER,
                     exponent, checked is True)  # fmt: skip

    def _header_number(self, header: bytes) -> tuple[int | None, int]:
        """(number of the header, exponent); the number is None where the header is a new one."""
        found = _EXPONENT.search(header)
        if not found:
            return None, 0
        exponent = int(found[1])
        if abs(exponent) > 1200:
            return None, 0
        key = header[: found.start(1)] + header[found.end(1) :]
        return self._headers.number(key), exponent

    def _say_dropped(self, name: str, offset: int, reason: str, what: str = "") -> None:
        self.dropped += 1
        said = self._said[name] = self._said.get(name, 0) + 1
        if said <= MAX_SAID:
            more = "; further damage in this file is counted, not said" if said == MAX_SAID else ""
            path = os.path.join(self.directory, name)
            self._warn(("record", path, offset), "%s: %s is skipped: %s%s",
                       path, what or f"a record at byte {offset}", reason, more)  # fmt: skip


@dataclass(frozen=True)
class TimelineRecord:
    """One record in an event file; every blob read is of data whose checksum held.

    But for the statistics of a record over SMALL_RECORD bytes: they alone are read, unchecked, so
    that the statistics of a thousand steps do not cost reading a thousand records.
    """

    timeline: RunTimeline
    tag: str
    file: str
    row: np.void
    header: Header

    def blobs(self, indices: Sequence[int]) -> list[bytes]:
        row, timeline = self.row, self.timeline
        offset, length = int(row["offset"]), int(row["length"])
        source = EventBlobs(os.path.join(timeline.directory, self.file), offset, length)
        expected = (self.tag.encode("utf-8", "surrogateescape"), int(row["step"]))
        try:
            if length > SMALL_RECORD and max(indices, default=0) < Blob.FIRST_PAGE:
                return source.read(indices, expected=expected)
            blobs = source.read(indices, expected=expected, cache=timeline.cache,
                                verified=bool(row["verified"]))  # fmt: skip
        except RecordError as e:
            timeline.drop(self.tag, int(row["step"]), self.file, offset, str(e))
            raise
        row["verified"] = 1
        return blobs


@dataclass(frozen=True)
class TimelineSeries:
    """A snapshot of one tag: its `parts` by file, and their merge if there are several."""

    timeline: RunTimeline
    tag: str
    complete: bool
    files: Sequence[str]
    parts: Sequence[Rows]
    merged: Merged | None = None
    sampled: bool = False

    @functools.cached_property
    def steps(self) -> np.ndarray:
        return self._column("step")

    @functools.cached_property
    def wall_times(self) -> np.ndarray:
        return self._column("wall_time")

    def summaries(self) -> np.ndarray:
        return self._column("summary")

    def header(self, position: int) -> Header:
        row, file = self._row(position)
        return self.timeline.header(row, file)

    def labels(self, position: int) -> tuple[str, ...] | None:
        return self.timeline.labels(*self._row(position))

    def record(self, position: int) -> TimelineRecord:
        row, file = self._row(position)
        header = self.timeline.header(row, file)
        return TimelineRecord(self.timeline, self.tag, file, row, header)

    def _row(self, position: int) -> tuple[np.void, str]:
        if self.merged is None:
            return self.parts[0].row(position), self.files[0]
        which = self.merged.which[position]
        return self.parts[which].row(int(self.merged.rows[position])), self.files[which]

    def _column(self, name: str) -> np.ndarray:
        if self.merged is None:
            return self.parts[0].column(name)
        out = np.empty(len(self.merged.rows), ROW[name])
        for i, part in enumerate(self.parts):
            of_part = self.merged.which == i
            out[of_part] = part.column(name)[self.merged.rows[of_part]]
        return out


def _checked(buffer: bytes, at: int, length: int) -> bool | None:
    """Whether the checksum of a small record's data holds; None where it is not in the buffer."""
    end = at + length
    if length > SMALL_RECORD or end + FRAME_FOOTER_BYTES > len(buffer):
        return None
    return holds(buffer[at:end], buffer[end : end + FRAME_FOOTER_BYTES])


def _is_ours(plugin_data: summary_pb2.SummaryMetadata.PluginData) -> bool:
    """Whether a tag is of this plugin, and of a version that it reads."""
    if plugin_data.plugin_name != PLUGIN_NAME:
        return False
    try:
        parse_metadata(plugin_data.content)
    except ValueError:
        return False  # the provider lists the tag, and this is said there
    return True


def _summary(blob: bytes) -> tuple[float, float, int, int, int]:
    """The fields of SUMMARY. Raises RecordError."""
    if len(blob) != 30 or blob[:10] != _SUMMARY_PREFIX:
        return summary_row(parse_summary(blob))
    rms, largest, dead, constant, nonfinite = _FLOATS5(blob, 10)
    for count in (dead, constant, nonfinite):
        if not 0 <= count <= MAX_CHANNELS:
            raise RecordError(f"a summary with a count of channels {count}")
    return rms, largest, int(dead), int(constant), int(nonfinite)


def _without_exponent(header: bytes) -> bytes:
    found = _EXPONENT.search(header)
    return header[: found.start(1)] + header[found.end(1) :] if found else header


@functools.lru_cache(maxsize=4096)
def _with_exponent(header: Header, exponent: int) -> Header:
    return replace(header, exponent=exponent) if exponent else header
