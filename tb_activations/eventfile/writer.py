"""Event files in a directory: their names, and appending events to a new one."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from types import TracebackType

from tensorboard.compat.proto import event_pb2

from tb_activations.eventfile.frame import frame
from tb_activations.eventfile.local import check_local


def event_files(directory: str) -> list[str]:
    """The names of the event files in a directory, as TensorBoard decides and sorts them."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(
        name for name in names if "tfevents" in name and not name.endswith(".profile-empty")
    )


def event_file_name(suffix: str = "") -> str:
    """A name that TensorBoard recognises and sorts by the time of its making.

    The nanoseconds stand before the host and the process: of two files of one second the later
    one has the later name, whatever the numbers of the processes.
    """
    host = socket.gethostname() or "localhost"
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    stamp = f"{seconds:010d}.{nanoseconds:09d}.{host}.{os.getpid()}"
    return f"events.out.tfevents.{stamp}{suffix}"


class EventWriter:
    """Appends events to one new event file in a directory, which is made if it is missing.

    Every event is written with one call, so that a reader sees it whole or torn, never mixed with
    another. Used from one thread.

    Raises:
      ValueError: the directory is not on this machine (`s3://…`).
      OSError: it cannot be made, or nothing written in it.
    """

    def __init__(self, log_dir: str | os.PathLike[str], suffix: str = ".activations") -> None:
        check_local(log_dir, "log_dir")
        directory = Path(log_dir)
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / event_file_name(suffix)
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        self.write(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def write(self, event: event_pb2.Event | bytes) -> None:
        """Appends one event. Raises OSError where it cannot be written whole.

        What was written of it is then taken back, so that later events can still be read. Raises
        ValueError for a step below 0.
        """
        if not isinstance(event, bytes) and event.step < 0:
            raise ValueError(f"the event's step is {event.step}; it must be 0 or more")
        data = event if isinstance(event, bytes) else event.SerializeToString()
        rest = memoryview(frame(data))
        start = self._file.tell()
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(start)
                self._file.seek(start)
            raise

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
