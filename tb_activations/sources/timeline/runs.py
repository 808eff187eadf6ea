"""Every run below a local log directory, indexed at once: for what serves nobody and reads all."""

from __future__ import annotations

import os
from collections.abc import Callable

from tb_activations.eventfile.writer import event_files
from tb_activations.sources.timeline.blobs import BlobCache
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.warn import WarnOnce


def runs_below(
    log_dir: str | os.PathLike[str],
    warn: WarnOnce,
    on_error: Callable[[OSError], None] | None = None,
) -> dict[str, RunTimeline]:
    """Run name → its timeline, of every directory with event files, sorted as TensorBoard does.

    Args:
      warn: says each thing once.
      on_error: is told of a directory that cannot be listed.
    """
    runs, cache = {}, BlobCache()
    for directory in sorted(_directories(os.fspath(log_dir), on_error)):
        if event_files(directory):
            timeline = RunTimeline(directory, cache, warn)
            timeline.refresh()
            runs[os.path.relpath(directory, log_dir)] = timeline
    return runs


def _directories(log_dir: str, on_error: Callable[[OSError], None] | None) -> list[str]:
    """All directories, links followed as TensorBoard does, none twice in a circle of links."""
    found: list[str] = []
    above: dict[str, tuple[str, ...]] = {log_dir: (os.path.realpath(log_dir),)}
    for directory, below, _ in os.walk(log_dir, onerror=on_error, followlinks=True):
        found.append(directory)
        for name in list(below):
            path = os.path.join(directory, name)
            real = os.path.realpath(path)
            if real in above[directory]:
                below.remove(name)
            else:
                above[path] = (*above[directory], real)
    return found
