"""What is known of a run's records: rows by tag and file, and what they have in common once.

One thread at a time adds to an index, holding its `lock`; readers never wait for it: what a `Part`
has published stays as it is.
"""

from __future__ import annotations

import functools
import os
import re
import struct
import threading
from dataclasses import replace
from operator import is_
from typing import NamedTuple

import numpy as np
from tensorboard.compat.proto import summary_pb2

from tb_activations.eventfile.frame import intact
from tb_activations.names import PLUGIN_NAME
from tb_activations.record.decoder import Blob, parse_labels, parse_summary
from tb_activations.record.errors import RecordError
from tb_activations.record.header import MAX_CHANNELS, Header, parse_header
from tb_activations.record.metadata import SHOWN, parse_metadata
from tb_activations.sources.series import Gone, summary_row
from tb_activations.sources.timeline.blobs import BlobCache, EventBlobs
from tb_activations.sources.timeline.rows import (
    NO_NUMBER,
    PACK,
    Interned,
    Merged,
    Part,
    Rows,
    Tag,
    merge,
)
from tb_activations.sources.warn import WarnOnce

_FLOATS5 = struct.Struct("<5f").unpack_from
# A serialized float32 tensor of shape [5], before its 20 bytes.
_SUMMARY_PREFIX = b'\x08\x01\x12\x04\x12\x02\x08\x05"\x14'
_EXPONENT = re.compile(rb'"exponent": ?(-?[0-9]{1,4})(?=[,} ])')
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


class RunIndex:
    """The records of one run's directory, as far as its event files are indexed.

    Args:
      directory: local.
      cache: of records lately read, shared between runs.
      warn: says each thing once.
    """

    def __init__(self, directory: str, cache: BlobCache, warn: WarnOnce) -> None:
        self.directory = directory
        self.cache = cache
        self.warn = warn
        self.records = 0
        self.dropped = 0
        self.lock = threading.Lock()  # held while parts change, never to read them
        self.tags: dict[bytes, Tag | None] = {}  # FOREIGN where a tag is another plugin's
        self.unknown: dict[str, str] = {}  # ours that cannot be read, and why
        self._hidden: set[str] = set()  # tags that no list shows
        self._headers = Interned()
        self._labels = Interned()
        self._touched: set[Part] = set()
        self._said: dict[str, int] = {}  # warnings by file
        self._labels_lock = threading.Lock()

    def path(self, file: str) -> str:
        return os.path.join(self.directory, file)

    def tag(self, name: str) -> Tag | None:
        return self.tags.get(name.encode("utf-8", "surrogateescape"))

    def names(self) -> list[str]:
        """The names of this plugin's tags that have records, sorted."""
        ours = [found for found in list(self.tags.values()) if found is not None]
        return sorted(
            tag.name
            for tag in ours
            if tag.name not in self._hidden and any(len(part.rows) for part in tag.parts.values())
        )

    def learn(self, tag: bytes, plugin: summary_pb2.SummaryMetadata.PluginData | None) -> None:
        """Whether a tag is of this plugin; a tag's first metadata decides."""
        if plugin is None:
            return
        self.tags[tag] = FOREIGN
        if plugin.plugin_name != PLUGIN_NAME:
            return
        name = tag.decode("utf-8", "surrogateescape")
        try:
            metadata = parse_metadata(plugin.content)
        except ValueError as e:
            self.unknown[name] = str(e)  # the provider lists the tag, and this is said there
            return
        if metadata.kind not in SHOWN:
            self._hidden.add(name)
        self.tags[tag] = Tag(name)

    def add(self, tag: Tag, file: str, descriptor: int, found: Found) -> None:
        """Adds one record, or says why not."""
        part = tag.part(file)
        try:
            row = self._row(part, descriptor, found)
        except RecordError as e:
            what = f"step {found.step} of tag {tag.name!r}"
            self.say_dropped(file, found.start, str(e), what)
            return
        part.add(found.step, row)
        self._touched.add(part)
        self.records += 1

    def publish(self) -> None:
        """Lets readers see what was added."""
        for part in self._touched:
            part.publish()
        self._touched.clear()

    def forget(self, file: str) -> None:
        """Takes all records of a file out."""
        for tag in list(self.tags.values()):
            if tag:
                tag.parts.pop(file, None)

    def drop(self, tag: str, step: int, file: str, offset: int, reason: str) -> None:
        """Takes a record out that was found damaged when it was read."""
        with self.lock:
            found = self.tag(tag)
            if found and file in found.parts and found.parts[file].drop(offset):
                self.say_dropped(file, offset, reason, f"step {step} of tag {tag!r}")

    def drop_anywhere(self, file: str, offset: int) -> None:
        """Takes the record at this offset out, whatever its tag; `lock` is held."""
        for tag in self.tags.values():
            if tag and file in tag.parts and tag.parts[file].drop(offset):
                self.say_dropped(file, offset, "its data is damaged")

    def say_dropped(self, file: str, offset: int, reason: str, what: str = "") -> None:
        """Counts a record that is skipped, and says so, but not of every one in a bad file."""
        self.dropped += 1
        said = self._said[file] = self._said.get(file, 0) + 1
        if said <= MAX_SAID:
            more = "; further damage in this file is counted, not said" if said == MAX_SAID else ""
            path = self.path(file)
            self.warn(("record", path, offset), "%s: %s is skipped: %s%s",
                      path, what or f"a record at byte {offset}", reason, more)  # fmt: skip

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

    def merged(self, tag: Tag, parts: tuple[Rows, ...]) -> Merged:
        """The merge of several parts, made anew where any has changed."""
        cached = tag.merged
        if cached and len(cached.parts) == len(parts) and all(map(is_, cached.parts, parts)):
            return cached
        which, rows, interleaved = merge(
            [(part.column("step"), part.column("wall_time")) for part in parts]
        )
        if interleaved:
            self.warn(
                ("writers", self.directory),
                "%s: two writers log tag %r at once; their steps are merged, the later wall time "
                "wins", self.directory, tag.name,
            )  # fmt: skip
        tag.merged = Merged(parts, which, rows)
        return tag.merged

    def _blob(self, row: np.void, file: str, index: int) -> bytes:
        source = EventBlobs(self.path(file), int(row["offset"]), int(row["length"]))
        return source.read([index])[0]

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
