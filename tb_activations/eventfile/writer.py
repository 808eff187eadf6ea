"""Event files: the frame and checksum of a record, and appending records.

An event file is a sequence of frames: length (uint64), masked CRC-32C of the length's 8 bytes
(uint32), data, masked CRC-32C of the data (uint32), all little-endian. The data is a serialized
`Event`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import google_crc32c
from tensorboard.compat.proto import event_pb2, summary_pb2

from tb_activations.record.summary import blobs_tensor

FRAME_HEADER_BYTES = 12
FRAME_FOOTER_BYTES = 4


def masked_crc32c(data: bytes) -> int:
    """The CRC-32C of `data`, rotated and offset as TFRecord files store it."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def frame(data: bytes) -> bytes:
    """`data` with its length and both checksums."""
    length = struct.pack("<Q", len(data))
    return b"".join(
        [
            length,
            struct.pack("<I", masked_crc32c(length)),
            data,
            struct.pack("<I", masked_crc32c(data)),
        ]
    )


def activation_event(
    tag: str,
    blobs: Sequence[bytes],
    step: int,
    wall_time: float,
    metadata: summary_pb2.SummaryMetadata,
) -> bytes:
    """A serialized `Event` of one record; wall_time in seconds since 1970."""
    value = summary_pb2.Summary.Value(tag=tag, tensor=blobs_tensor(blobs), metadata=metadata)
    event = event_pb2.Event(
        wall_time=wall_time, step=step, summary=summary_pb2.Summary(value=[value])
    )
    return event.SerializeToString()


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
    """

    def __init__(self, log_dir: str | os.PathLike[str], suffix: str = ".activations") -> None:
        directory = Path(log_dir)
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / event_file_name(suffix)
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        self.write(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def write(self, event: event_pb2.Event | bytes) -> None:
        """Appends one event. Raises OSError where it cannot be written whole.

        What was written of it is then taken back, so that later events can still be read.
        """
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
