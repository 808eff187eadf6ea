"""The last step of the activations that a log directory already holds."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator

from tb_activations.eventfile.frame import FRAME_HEADER_BYTES
from tb_activations.eventfile.reading import read_at
from tb_activations.eventfile.walk import Frame, Frames
from tb_activations.eventfile.wire import Read, head_of_event, plugin_of_value, values_of_event
from tb_activations.eventfile.writer import event_files
from tb_activations.names import PLUGIN_NAME
from tb_activations.record.errors import RecordError


def last_step(log_dir: str | os.PathLike[str]) -> int | None:
    """The largest step of a record in `log_dir` itself, None where there is none.

    Hops from record to record; a file that cannot be read counts as empty, and so does a record
    that is torn.
    """
    directory = os.fspath(log_dir)
    ours: dict[bytes, bool] = {}  # a tag's first metadata decides
    with contextlib.suppress(OSError):
        names = event_files(directory)
        paths = [os.path.join(directory, name) for name in names]
        return max((step for path in paths for step in _steps(path, ours)), default=None)
    return None


def _steps(path: str, ours: dict[bytes, bool]) -> Iterator[int]:
    """The steps of one file's records, in order."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        descriptor = file.fileno()

        def read(offset: int, size: int) -> bytes:
            return read_at(descriptor, size, offset)

        for frame in Frames(path).walk(descriptor, lambda first, last: None, lambda start: None):
            with contextlib.suppress(RecordError):
                step = _step(read, frame, ours) if frame is not None else None
                if step is not None:
                    yield step


def _step(read: Read, frame: Frame, ours: dict[bytes, bool]) -> int | None:
    """The step of an event that holds a record, None of any other; learns tags in `ours`.

    Raises:
      RecordError: the event is damaged.
    """
    start, length, buffer, at = frame
    try:
        head = head_of_event(buffer, at, length)
    except (IndexError, struct.error, RecordError):
        head = None
    if head is not None and head.tag in ours:
        return head.step if ours[head.tag] else None
    _, step, values = values_of_event(read, start + FRAME_HEADER_BYTES, length)
    tags = [value.tag for value in values if value.tensor]
    for value in values:
        if value.tensor and value.tag not in ours:
            plugin = plugin_of_value(read, value)
            if plugin is not None:
                ours[value.tag] = plugin.plugin_name == PLUGIN_NAME
    return step if any(ours.get(tag) for tag in tags) else None
