"""The timelines of all runs: found, filled in the background, and forgotten with their directories.

`Timelines.run(name)` gives the `RunTimeline` of a run at once, however much of it is indexed.
"""

from __future__ import annotations

import math
import threading
import time

from tb_activations.sources.logdirs import LogDirs
from tb_activations.sources.timeline.blobs import BlobCache
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.warn import WarnOnce


class Timelines:
    """The timelines of all runs, filled by one thread that begins when a run is first asked for.

    Args:
      logdirs: where runs are.
      warn: says each thing once.
    """

    SLICE = 0.02  # seconds of indexing before the next run gets its turn
    FRESH = 0.1  # seconds for which what was indexed last is good enough
    WAIT = 0.5  # seconds that a request waits for a run to be filled
    SHORT_WAIT = 0.02  # where it was not filled in that time

    def __init__(self, logdirs: LogDirs, warn: WarnOnce) -> None:
        self._logdirs = logdirs
        self._warn = warn
        self._cache = BlobCache()
        self._runs: dict[str, _Filling] = {}
        self._changed = threading.Condition()
        self._queue: list[_Filling] = []
        self._thread: threading.Thread | None = None

    def run(self, name: str, *, fresh: bool = True, age: float = FRESH) -> RunTimeline | None:
        """The timeline of a run; None where it has no readable files.

        fresh: refreshes it, unless what was indexed last is at most `age` seconds old.
        """
        directory = self._logdirs.directory(name)
        if directory is None:
            return None
        with self._changed:
            filling = self._runs.get(name)
            if filling is None or filling.timeline.directory != directory:
                timeline = RunTimeline(directory, self._cache, self._warn)
                filling = self._runs[name] = _Filling(timeline)
            if fresh or not filling.turns:
                self._fill(filling, age)
        if filling.failed or (filling.timeline.complete and not filling.timeline.has_files):
            return None
        return filling.timeline

    def contested(self, name: str) -> bool:
        """Whether a run elsewhere may bear this name too, and be the one that TensorBoard lists."""
        return self._logdirs.contested(name)

    def tags(self, name: str) -> list[str]:
        """The tags of a run that have records, as far as it is indexed."""
        timeline = self.run(name)
        return timeline.tags() if timeline else []

    def _fill(self, filling: _Filling, age: float) -> None:
        """Asks for a refresh, and waits for its end, but not long; `_changed` is held."""
        if time.monotonic() - filling.ended < age:
            return
        filling.asked += 1
        ticket = filling.asked
        if not filling.queued:
            filling.queued = True
            self._queue.append(filling)
            self._start()
            self._changed.notify_all()
        # A run that could not be filled in time before is waited for but a little.
        long = filling.timeline.complete or not filling.turns
        self._changed.wait_for(
            lambda: filling.answered >= ticket, self.WAIT if long else self.SHORT_WAIT
        )

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name="activations-index", daemon=True
            )
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._queue))
                filling = self._queue.pop(0)
                if not filling.under_way:
                    filling.under_way = filling.asked
            done = self._turn(filling)
            with self._changed:
                self._after(filling, done)
                self._changed.notify_all()
            time.sleep(0)  # requests first

    def _after(self, filling: _Filling, done: bool) -> None:
        filling.turns += 1
        if done:
            filling.answered, filling.under_way = filling.under_way, 0
            filling.ended = time.monotonic()
        filling.queued = not done or filling.answered < filling.asked
        if filling.queued:
            self._queue.append(filling)

    def _turn(self, filling: _Filling) -> bool:
        try:
            done = filling.timeline.refresh(time.monotonic() + self.SLICE)
            filling.failed = False
            return done
        except Exception as e:
            # The provider serves what the timeline cannot, and TensorBoard goes on.
            self._warn(("run", filling.timeline.directory), "%s cannot be indexed: %r",
                       filling.timeline.directory, e)  # fmt: skip
            filling.failed = True
            return True


class _Filling:
    """A timeline, and how far the thread that fills it has come.

    Requests are numbered: `asked` is the last one, `under_way` the last one when the refresh that
    is going on began (0: none is), `answered` that of the last refresh that came to the end.
    """

    def __init__(self, timeline: RunTimeline) -> None:
        self.timeline = timeline
        self.queued = False
        self.failed = False
        self.turns = 0
        self.asked = 0
        self.under_way = 0
        self.answered = 0
        self.ended = -math.inf
