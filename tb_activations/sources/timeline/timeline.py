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

import math

from tb_activations.sources.timeline.blobs import BlobCache
from tb_activations.sources.timeline.index import RunIndex
from tb_activations.sources.timeline.indexer import Indexer
from tb_activations.sources.timeline.rows import Rows
from tb_activations.sources.timeline.series import TimelineSeries
from tb_activations.sources.warn import WarnOnce


class RunTimeline:
    """The index of one run's directory.

    Args:
      directory: local.
      cache: of records lately read, shared between runs.
      warn: says each thing once.
    """

    def __init__(self, directory: str, cache: BlobCache, warn: WarnOnce) -> None:
        self.complete = False
        self._index = RunIndex(directory, cache, warn)
        self._indexer = Indexer(self._index)

    @property
    def directory(self) -> str:
        return self._index.directory

    @property
    def has_files(self) -> bool:
        return bool(self._indexer.files)

    @property
    def records(self) -> int:
        """How many were indexed, those that others hide included."""
        return self._index.records

    @property
    def dropped(self) -> int:
        """How many were skipped for damage."""
        return self._index.dropped

    @property
    def unknown(self) -> dict[str, str]:
        """Tags of this plugin that cannot be read, and why: another version's, it may be."""
        return dict(self._index.unknown)

    @property
    def unread(self) -> dict[str, int]:
        """File name → bytes at its end that are no whole record, where there are any."""
        return self._indexer.unread()

    def refresh(self, deadline: float = math.inf) -> bool:
        """Indexes what is new, until `deadline` (of time.monotonic); says whether it is at the end.

        Called from one thread at a time.
        """
        with self._index.lock:
            try:
                self.complete = self._indexer.refresh(deadline)
            finally:
                self._index.publish()
        return self.complete

    def tags(self) -> list[str]:
        """The names of this plugin's tags that have records, sorted."""
        return self._index.names()

    def series(self, tag: str) -> TimelineSeries | None:
        """A snapshot of a tag's steps; None where all is indexed and the tag is not there."""
        complete = self.complete
        found = self._index.tag(tag)
        parts = sorted(found.parts.items()) if found else []
        filled = [(name, rows) for name, part in parts if len(rows := part.rows)]
        if not filled or not found:
            nothing = TimelineSeries(self._index, tag, complete, ("",), (Rows(),))
            return None if complete and not found else nothing
        files, snapshots = zip(*filled, strict=True)
        merged = self._index.merged(found, snapshots) if len(snapshots) > 1 else None
        return TimelineSeries(self._index, tag, complete, files, snapshots, merged)
