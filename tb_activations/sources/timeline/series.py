"""One tag's steps as the timeline has them; a record is read when it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tb_activations.record.decoder import Blob
from tb_activations.record.errors import RecordError
from tb_activations.record.header import Header
from tb_activations.sources.series import FILES
from tb_activations.sources.timeline.blobs import SMALL_RECORD, EventBlobs
from tb_activations.sources.timeline.index import RunIndex
from tb_activations.sources.timeline.rows import NO_NUMBER, ROW, Merged, Rows


@dataclass(frozen=True)
class TimelineRecord:
    """One record in an event file; every blob read is of data whose checksum held.

    But for the statistics of a record over SMALL_RECORD bytes: they alone are read, unchecked, so
    that the statistics of a thousand steps do not cost reading a thousand records.
    """

    index: RunIndex
    tag: str
    file: str
    row: np.void
    header: Header

    def blobs(self, indices: Sequence[int]) -> list[bytes]:
        row, index = self.row, self.index
        offset, length = int(row["offset"]), int(row["length"])
        source = EventBlobs(index.path(self.file), offset, length)
        expected = (self.tag.encode("utf-8", "surrogateescape"), int(row["step"]))
        try:
            if length > SMALL_RECORD and max(indices, default=0) < Blob.FIRST_PAGE:
                return source.read(indices, expected=expected)
            blobs = source.read(indices, expected=expected, cache=index.cache,
                                verified=bool(row["verified"]))  # fmt: skip
        except RecordError as e:
            index.drop(self.tag, int(row["step"]), self.file, offset, str(e))
            raise
        row["verified"] = 1
        return blobs


@dataclass(frozen=True)
class TimelineSeries:
    """A snapshot of one tag: its `parts` by file, and their merge if there are several."""

    index: RunIndex
    tag: str
    complete: bool
    files: Sequence[str]
    parts: Sequence[Rows]
    merged: Merged | None = None
    sampled: bool = False
    source: str = FILES

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
        return self.index.header(row, file)

    def alike(self) -> np.ndarray:
        number = self._column("header").astype(np.int64)
        alone = np.arange(len(number)) << 32
        shared = (number << 16) | self._column("exponent").astype(np.uint16)
        return np.where(number == NO_NUMBER, alone, shared)

    def labels(self, position: int) -> tuple[str, ...] | None:
        return self.index.labels(*self._row(position))

    def record(self, position: int) -> TimelineRecord:
        row, file = self._row(position)
        header = self.index.header(row, file)
        return TimelineRecord(self.index, self.tag, file, row, header)

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
