"""What updates take of a training's time, and the word about it where that is much."""

from __future__ import annotations

import functools
import math
import time
import warnings
from collections.abc import Callable
from typing import Any

MUCH = 0.05  # of the time
_LEAST_SECONDS = 30  # that must have passed before anything is said
_LEAST_UPDATES = 3


class Cost:
    """Of the thread that trains: what updates after the first take, which traces.

    clock: seconds that pass.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begun: float | None = None
        self._updates = 0
        self._taken = 0.0
        self._start: float | None = None  # of the update that is under way
        self._said = False

    def measure(self, work: Callable[[], None]) -> None:
        """Does what one update does on this thread."""
        start = self._start = self._clock()
        try:
            work()
        finally:
            end, self._start = self._clock(), None
            if self._begun is None:
                self._begun = end
            else:
                self._updates += 1
                self._taken += end - start

    def so_far(self) -> tuple[float, float | None]:
        """(seconds of the update that is under way, the share of the time of all but the first).

        The share is None in the first update.
        """
        now = self._clock()
        seconds = 0.0 if self._start is None else now - self._start
        if self._begun is None:
            return seconds, None
        passed = now - self._begun
        return seconds, min(1.0, (self._taken + seconds) / passed) if passed > 0 else None

    def complaint(self) -> str | None:
        """A sentence, once, where updates take more than a twentieth of the time."""
        if self._said or self._begun is None or self._updates < _LEAST_UPDATES:
            return None
        passed = self._clock() - self._begun
        share = self._taken / passed if passed > 0 else 0.0
        if passed < _LEAST_SECONDS or share <= MUCH:
            return None
        self._said = True
        # Less often takes as long each time, and the time between them is training's.
        rest = (passed - self._taken) / self._updates
        rarer = math.ceil(self._taken / self._updates * (1 - MUCH) / MUCH / max(rest, 1e-9))
        return (
            f"logging activations takes {share:.0%} of the time of training, "
            f"{_seconds(self._taken / self._updates)} an update on the thread that trains: an "
            f"update_freq that logs 1 time in {rarer} makes it {MUCH:.0%}; fewer examples in data "
            "or fewer layers lower it too"
        )

    def warn(self) -> None:
        found = self.complaint()
        if found:
            warnings.warn(found, stacklevel=5)


def measured(record: Callable[..., None]) -> Callable[..., None]:
    """A method of a recorder, whose time on this thread counts as an update's."""

    @functools.wraps(record)
    def timed(self: Any, step: int) -> None:
        self._worker.cost.measure(functools.partial(record, self, step))

    return timed


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{value * 1e3:.0f} ms"
