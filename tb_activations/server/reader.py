"""Timeline or data provider → index, steps, values, statistics; knows no HTTP.

Everything answered is about one run, and but for `overview` about one tag of it. What is not there
is a `NotThere`, what would be too much a `TooMuch`; both say what there is, in a sentence.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tb_activations.record.checks import Check, read_check
from tb_activations.record.decoder import Blob, parse_statistics
from tb_activations.record.errors import RecordError
from tb_activations.record.metadata import TagMetadata
from tb_activations.record.run import RunFacts, read_facts
from tb_activations.record.statistics import COLUMNS
from tb_activations.record.values import Record, read_values
from tb_activations.server.classifier import Answered, answered, classifier_of
from tb_activations.server.costs import last_cost
from tb_activations.server.found import Health, Step, Steps
from tb_activations.server.largest import Largest, largest_of
from tb_activations.server.lookup import Lookup, NotThere
from tb_activations.server.overview import Track, overview
from tb_activations.server.packed import Latest, Packed, columns
from tb_activations.server.positions import Span, chosen_of, position_of, slice_of
from tb_activations.server.scores import MAX_STEPS, Scored, scored
from tb_activations.sources.series import (
    FILES,
    TENSORBOARD,
    Gone,
    Series,
    TagInfo,
    Viewer,
    Where,
    quoted,
)

MAX_STATS_BYTES = 16 << 20
MAX_TENSOR_BYTES = 256 << 20
MAX_CHECKS = 100  # of a run, in one answer

UNREADABLE = (RecordError, Gone, OSError)


class TooMuch(ValueError):
    """A request for more than one answer may hold."""


@dataclass(frozen=True)
class Tensor:
    """Stored values of one record: `identity` names them for caches, `read` decodes them."""

    record: Record
    examples: slice
    channels: slice
    step: int
    wall_time: float
    where: Where
    gate: threading.Semaphore

    @property
    def dtype(self) -> str:
        return self.record.header.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """`[examples, channels, …spatial]`."""
        spatial = self.record.header.stored_shape[2:]
        return (
            self.examples.stop - self.examples.start,
            self.channels.stop - self.channels.start,
            *spatial,
        )

    @property
    def identity(self) -> tuple:
        header = self.record.header
        return (self.where.run, self.where.tag, self.step, self.wall_time, header.dtype,
                header.exponent, self.shape, self.examples.start, self.channels.start)  # fmt: skip

    def read(self) -> bytes:
        """Little-endian values, C order. Raises NotThere where the record is damaged."""
        try:
            with self.gate:
                return self._decode()
        except UNREADABLE as e:
            raise NotThere(f"step {self.step} of {self.where} cannot be read: {e}") from e

    def _decode(self) -> bytes:
        values = read_values(self.record, self.examples, self.channels)
        return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


class Reader:
    """Answers about the runs that TensorBoard lists.

    Args:
      lookup: finds tags and their steps.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        # Decoding is work for a core: more at once would only take more memory, and turns.
        self._gate = threading.Semaphore(max(2, os.cpu_count() or 1))

    def tags(self, viewer: Viewer) -> dict[str, dict[str, TagInfo]]:
        """Every run that has activations, and its tags, sorted."""
        return self._lookup.tags(viewer)

    def steps(self, viewer: Viewer, where: Where) -> Steps:
        """Every step of one tag that there is."""
        series = self._lookup.series(viewer, where)
        return Steps(series.complete, series.sampled, series.source, _entries(series))

    def packed(self, viewer: Viewer, where: Where, since: int, most: int | None = None) -> Packed:
        """As `steps`, `most` of them from a position on. Raises NotThere beyond the end."""
        series = self._lookup.series(viewer, where)
        count = len(series.steps)
        if since > count:
            raise NotThere(f"since {since} is not in {where}; it has {count} steps")
        found = columns(series, since, most)
        return Packed(series.complete, series.sampled, series.source, since, count, found)

    def latest(self, viewer: Viewer, where: Where) -> Latest:
        """What has come, at the price of looking whether event files have grown."""
        series = self._lookup.watched(viewer, where)
        count, tags = len(series.steps), len(self._lookup.tags_of(viewer, where.run))
        return Latest(
            complete=series.complete,
            sampled=series.sampled,
            source=series.source,
            count=count,
            step=int(series.steps[-1]) if count else None,
            wall_time=float(series.wall_times[-1]) if count else None,
            tags=tags,
        )

    def tensor(
        self,
        viewer: Viewer,
        where: Where,
        step: int,
        *,
        examples: Span | None,
        channels: Span | None,
    ) -> Tensor:
        """Values of one record; None means all examples or channels.

        Raises:
          NotThere: the step, an example or a channel.
          TooMuch: more than MAX_TENSOR_BYTES.
        """
        series = self._lookup.series(viewer, where, step=step)
        position = position_of(series, step, where)
        record = _record(series, position, where)
        n, c, *_ = record.header.stored_shape
        if record.header.omitted:
            raise NotThere(
                f"step {step} of {where} has no values, only statistics: {record.header.omitted}"
            )
        tensor = Tensor(
            record=record,
            examples=slice_of(examples, n, "example", f"step {step} of {where}"),
            channels=slice_of(channels, c, "channels", f"step {step} of {where}"),
            step=step,
            wall_time=float(series.wall_times[position]),
            where=where,
            gate=self._gate,
        )
        _check_size(tensor)
        return tensor

    def statistics(
        self, viewer: Viewer, where: Where, positions: Span | None, *, rows: int | None = None
    ) -> bytes:
        """Little-endian float32 `[channels, 6]` of each position in `steps`, one after another.

        rows: of so many of them alone, evenly chosen, the first and the last among them.

        Raises:
          NotThere: a position, or a record that is damaged.
          TooMuch: more than MAX_STATS_BYTES.
        """
        series = self._lookup.series(viewer, where)
        wanted = slice_of(positions, len(series.steps), "steps", str(where))
        chosen = chosen_of(range(wanted.start, wanted.stop), rows)
        _check_statistics(series, chosen)
        tables = [_statistics(series, i, where) for i in chosen]
        return b"".join(tables)

    def scores(
        self, viewer: Viewer, where: Where, positions: Span | None, *, rows: int | None = None
    ) -> Scored:
        """What an attribution's maps add up to at each position in `steps`.

        rows: as for `statistics`.

        Raises:
          NotThere: a position, or a tag of another kind.
          TooMuch: more than MAX_STEPS of them.
        """
        series = self._lookup.series(viewer, where, kind="attribution")
        wanted = slice_of(positions, len(series.steps), "steps", str(where))
        chosen = chosen_of(range(wanted.start, wanted.stop), rows)
        if len(chosen) > MAX_STEPS:
            raise TooMuch(
                f"the scores of {len(chosen):,} steps; at most {MAX_STEPS:,} are sent: ask for "
                "fewer with 'steps' or 'rows'"
            )
        return scored(series, chosen)

    def answers(self, viewer: Viewer, where: Where, *, rows: int, step: int | None) -> Answered:
        """What a classifier answers at `rows` of its steps, evenly chosen.

        step: the last one not after it is among them, too.

        Raises:
          NotThere: a tag that is no classifier's output, or that cannot be read.
        """
        classifier = classifier_of(self.facts(viewer, where.run).classifiers, where)
        series = self._lookup.series(viewer, where)
        try:
            return answered(series, classifier, rows, step)
        except UNREADABLE as e:
            raise NotThere(f"{where} cannot be read: {e}") from e

    def largest(self, viewer: Viewer, where: Where, step: int, channel: int) -> list[Largest]:
        """The largest value of a channel, by its stored position, in each example; see `tensor`."""
        cut = self.tensor(viewer, where, step, examples=None, channels=(channel, channel + 1))
        try:
            with self._gate:
                return largest_of(cut.record, channel)
        except UNREADABLE as e:
            raise NotThere(f"step {step} of {where} cannot be read: {e}") from e

    def facts(self, viewer: Viewer, run: str) -> RunFacts:
        """What is constant for `run`, as it was last written; nothing known where none was.

        Raises NotThere where there is no such run, or what is known is damaged.
        """
        series = self._lookup.run_series(viewer, run)
        if series is None or not len(series.steps):
            return RunFacts()
        try:
            return read_facts(series.record(len(series.steps) - 1))
        except UNREADABLE as e:
            raise NotThere(f"what is known of run {quoted(run)} cannot be read: {e}") from e

    def checks(self, viewer: Viewer, run: str) -> list[tuple[int, Check]]:
        """The last randomization check of each method, with its step; without damaged ones."""
        found = []
        for series in self._lookup.check_series(viewer, run)[:MAX_CHECKS]:
            with contextlib.suppress(*UNREADABLE):
                if len(series.steps):
                    check = read_check(series.record(len(series.steps) - 1))
                    found.append((int(series.steps[-1]), check))
        return found

    def overview(self, viewer: Viewer, run: str, *, columns: int, step: int | None) -> Health:
        """The health of every layer of `run`, in at most `columns` buckets of its steps."""
        complete, sampled, source, tracks, seen = True, False, FILES, {}, []
        for tag, info in self._lookup.tags_of(viewer, run).items():
            series = self._lookup.series_of(viewer, Where(run, tag), info)
            complete, sampled = complete and series.complete, sampled or series.sampled
            source = TENSORBOARD if series.source == TENSORBOARD else source
            with contextlib.suppress(*UNREADABLE):
                if len(series.steps):
                    tracks[tag] = _track(series, info.metadata)
                    seen.append(series)
        health = overview(tracks, columns=columns, step=step)
        return Health(complete, sampled, source, health, last_cost(seen))


def _entries(series: Series) -> Iterator[Step]:
    pairs = zip(series.steps.tolist(), series.wall_times.tolist(), strict=True)
    for i, (step, wall_time) in enumerate(pairs):
        # A header that is not in the index is read from a file that may have gone meanwhile.
        with contextlib.suppress(*UNREADABLE):
            yield Step(step, wall_time, series.header(i), series.labels(i))


def _record(series: Series, position: int, where: Where) -> Record:
    try:
        return series.record(position)
    except UNREADABLE as e:
        step = int(series.steps[position])
        raise NotThere(f"step {step} of {where} cannot be read: {e}") from e


def _check_size(tensor: Tensor) -> None:
    size = int(np.prod(tensor.shape, dtype=np.float64)) * np.dtype(tensor.dtype).itemsize
    if size > MAX_TENSOR_BYTES:
        raise TooMuch(
            f"{size:,} bytes in one answer; at most {MAX_TENSOR_BYTES:,} are sent: ask for fewer "
            "with 'example' or 'channels'"
        )


def _check_statistics(series: Series, wanted: Sequence[int]) -> None:
    row = 4 * len(COLUMNS)
    size = sum(row * _channels(series, i) for i in wanted)
    if size > MAX_STATS_BYTES:
        raise TooMuch(
            f"the statistics of {len(wanted)} of the steps {wanted[0]}:{wanted[-1] + 1} take "
            f"{size:,} bytes; at most {MAX_STATS_BYTES:,} (16 MiB) are sent: ask for fewer with "
            "'steps' or 'rows'"
        )


def _channels(series: Series, position: int) -> int:
    """0 where the header cannot be read; `_statistics` will say so."""
    try:
        return series.header(position).channels
    except UNREADABLE:
        return 0


def _statistics(series: Series, position: int, where: Where) -> bytes:
    try:
        record = series.record(position)
        [blob] = record.blobs([Blob.STATISTICS])
        return parse_statistics(blob, record.header).astype("<f4", copy=False).tobytes()
    except UNREADABLE as e:
        step = int(series.steps[position])
        raise NotThere(f"step {step} of {where} (steps={position}) cannot be read: {e}") from e


def _track(series: Series, metadata: TagMetadata) -> Track:
    return Track(metadata, series.steps, series.summaries, series.header(len(series.steps) - 1))
