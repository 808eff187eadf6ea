"""Which source answers for a tag: the timeline of its run, or TensorBoard's data provider.

The provider alone knows which runs and tags there are; the timeline knows every step of those whose
event files are on this machine. What is not there is a `NotThere` that says what is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from tb_activations.record.checks import CHECK_TAG
from tb_activations.record.metadata import SHOWN
from tb_activations.record.run import RUN_TAG
from tb_activations.sources.provider import ProviderSource
from tb_activations.sources.series import Series, TagInfo, Viewer, Where, quoted
from tb_activations.sources.timeline.timelines import Timelines

LISTED = 12  # so many names stand in an error's sentence
KNOWN_SECONDS = 2.0
WATCHED_SECONDS = 1.0  # one who only waits for news causes no more than a refresh a second
MAX_KNOWN = 10_000


class NotThere(LookupError):
    """A run, tag, step, example, channel or position that does not exist."""


class Lookup:
    """Finds tags and their steps.

    Args:
      provider: reads through TensorBoard; knows which runs and tags there are.
      timelines: of runs in local directories; None where none is local.
    """

    def __init__(self, provider: ProviderSource, timelines: Timelines | None = None) -> None:
        self._provider = provider
        self._timelines = timelines
        self._known: dict[tuple[str, Where], tuple[float, TagInfo]] = {}
        self._lock = threading.Lock()

    def tags(self, viewer: Viewer) -> dict[str, dict[str, TagInfo]]:
        """Every run that has activations, and its tags, sorted."""
        return _shown(self._provider.tags(viewer))

    def tags_of(self, viewer: Viewer, run: str) -> dict[str, TagInfo]:
        """The tags of one run. Raises NotThere where it has none."""
        tags = _shown(self._provider.tags(viewer, run)).get(run)
        if not tags:
            raise self._no_run(viewer, run)
        return tags

    def run_series(self, viewer: Viewer, run: str) -> Series | None:
        """The records of what is constant for a run, None where it has none.

        Raises NotThere where there is no such run.
        """
        info = self._provider.tags(viewer, run, RUN_TAG).get(run, {}).get(RUN_TAG)
        if info is None or info.metadata.kind in SHOWN:
            self.tags_of(viewer, run)
            return None
        return self.series_of(viewer, Where(run, RUN_TAG), info)

    def check_series(self, viewer: Viewer, run: str) -> list[Series]:
        """The records of a run's randomization checks, one series a method."""
        tags = self._provider.tags(viewer, run).get(run, {})
        return [
            self.series_of(viewer, Where(run, tag), info)
            for tag, info in sorted(tags.items())
            if tag.startswith(CHECK_TAG) and info.metadata.kind not in SHOWN
        ]

    def series(
        self, viewer: Viewer, where: Where, *, step: int | None = None, kind: str | None = None
    ) -> Series:
        """The series of a tag that TensorBoard knows, up to date unless it has `step` anyway.

        kind: that the tag must have. Raises NotThere where it has another, or is not there.
        """
        info = self._info(viewer, where)
        if kind not in (None, info.metadata.kind):
            raise NotThere(f"{where} is of kind {info.metadata.kind!r}; asked for is {kind!r}")
        if step is not None:
            series = self.series_of(viewer, where, info, fresh=False)
            if step in series.steps:
                return series
        return self.series_of(viewer, where, info)

    def watched(self, viewer: Viewer, where: Where) -> Series:
        """As `series`, from an index that may be WATCHED_SECONDS old."""
        return self.series_of(viewer, where, self._info(viewer, where), age=WATCHED_SECONDS)

    def series_of(
        self,
        viewer: Viewer,
        where: Where,
        info: TagInfo,
        *,
        fresh: bool = True,
        age: float = Timelines.FRESH,
    ) -> Series:
        """The timeline's series where there is one, else the provider's."""
        timeline = self._timelines and self._timelines.run(where.run, fresh=fresh, age=age)
        series = timeline.series(where.tag) if timeline else None
        if series is None or (self._contested(where.run) and not _holds(series, info)):
            return self._provider.series(viewer, where)
        return series

    def _contested(self, run: str) -> bool:
        return self._timelines is not None and self._timelines.contested(run)

    def _info(self, viewer: Viewer, where: Where) -> TagInfo:
        """What is known of a tag; asked of the provider at most every KNOWN_SECONDS."""
        key, now = (viewer.experiment, where), time.monotonic()
        with self._lock:
            found = self._known.get(key)
        if found and now - found[0] < KNOWN_SECONDS:
            return found[1]
        info = self._provider.tags(viewer, where.run, where.tag).get(where.run, {}).get(where.tag)
        if info is None or info.metadata.kind not in SHOWN:
            raise self._no_tag(viewer, where)
        with self._lock:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[key] = (now, info)
        return info

    def _no_tag(self, viewer: Viewer, where: Where) -> NotThere:
        tags = _shown(self._provider.tags(viewer, where.run)).get(where.run)
        if not tags:
            return self._no_run(viewer, where.run)
        tag, run = quoted(where.tag), quoted(where.run)
        return NotThere(f"no tag {tag} in run {run}; it has {_names(tags)}")

    def _no_run(self, viewer: Viewer, run: str) -> NotThere:
        runs = self.tags(viewer)
        return NotThere(f"no run {quoted(run)} with activations; there are {_names(runs)}")


def _shown(runs: dict[str, dict[str, TagInfo]]) -> dict[str, dict[str, TagInfo]]:
    """Without the tags that hold what is constant for a run."""
    listed = {
        run: {tag: info for tag, info in tags.items() if info.metadata.kind in SHOWN}
        for run, tags in runs.items()
    }
    return {run: tags for run, tags in listed.items() if tags}


def _holds(series: Series, info: TagInfo) -> bool:
    """Whether the record that TensorBoard knows as the last written one is in this series."""
    return info.wall_time is not None and info.wall_time in series.wall_times


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    if not listed:
        return "none"
    shown = ", ".join(quoted(name) for name in listed[:LISTED])
    return shown if len(listed) <= LISTED else f"{shown} and {len(listed) - LISTED} more"
