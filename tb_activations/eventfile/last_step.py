"""The last step of the activations that a log directory already holds."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from tb_activations.eventfile.writer import FRAME_FOOTER_BYTES, FRAME_HEADER_BYTES

_FIRST_BYTES = 1024  # of an event, in which a record's header stands
_OURS = b'"channel_ids"'
_STEP_FIELD = 0x10  # Event.step, a varint
_WALL_TIME_FIELD = 0x09  # Event.wall_time, 8 bytes


def last_step(log_dir: str | os.PathLike[str]) -> int | None:
    """The largest step of a record in `log_dir` itself, None where there is none.

    Hops from record to record; a file that cannot be read counts as empty.
    """
    largest = None
    for path in sorted(Path(log_dir).glob("*tfevents*")):
        try:
            with open(path, "rb") as file:
                for step in _steps(file):
                    largest = step if largest is None else max(largest, step)
        except OSError:
            continue
    return largest


def _steps(file: BinaryIO) -> list[int]:
    steps, position, end = [], 0, os.fstat(file.fileno()).st_size
    while position + FRAME_HEADER_BYTES <= end:
        file.seek(position)
        first = file.read(FRAME_HEADER_BYTES + _FIRST_BYTES)
        (length,) = struct.unpack_from("<Q", first)
        data = first[FRAME_HEADER_BYTES:][:length]
        if _OURS in data:
            steps.append(_step(data))
        position += FRAME_HEADER_BYTES + length + FRAME_FOOTER_BYTES
    return steps


def _step(event: bytes) -> int:
    """`Event.step`, which follows `wall_time` where it is not 0."""
    at = 9 if event[:1] == bytes([_WALL_TIME_FIELD]) else 0
    if event[at : at + 1] != bytes([_STEP_FIELD]):
        return 0
    step = shift = 0
    for byte in event[at + 1 : at + 11]:
        step |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return step
