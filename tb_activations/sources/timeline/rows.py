"""Packed rows of an index: what stands on disk, 55 bytes a record, in blocks that never move.

A `Part` holds the rows of one tag in one event file and publishes immutable `Rows`; `merge` says
which rows of two parts hide which, and `Interned` keeps what records have in common once.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tb_activations.sources.series import SUMMARY

ROW = np.dtype(
    [
        ("step", "<i8"),
        ("wall_time", "<f8"),
        ("offset", "<u8"),  # of the frame
        ("length", "<u4"),  # of its data
        ("summary", SUMMARY),
        ("header", "<u2"),  # number among the run's headers, or NO_NUMBER
        ("labels", "<u2"),  # number among the run's labels, or NO_NUMBER while unread
        ("exponent", "<i2"),
        ("verified", "u1"),  # whether the checksum of the data has been checked
    ]
)
PACK = struct.Struct("<qdQIffIIIHHhB").pack
NO_NUMBER = 0xFFFF
BLOCK = 1024  # rows that lie together
LOWEST = -(1 << 63) - 1
MAX_INTERNED_BYTES = 4 << 20


@dataclass(frozen=True)
class Rows:
    """A snapshot: the first `count` ROWs of `blocks`, ascending; all but the last are full."""

    blocks: tuple[np.ndarray, ...] = ()
    count: int = 0

    def __len__(self) -> int:
        return self.count

    def row(self, position: int) -> np.void:
        """The row itself, not a copy."""
        return self.blocks[position // BLOCK][position % BLOCK]

    def column(self, name: str) -> np.ndarray:
        """All values of one field, contiguous."""
        if not self.blocks:
            return np.zeros(0, ROW[name])
        return np.concatenate([block[name] for block in self.blocks])[: self.count]


class Part:
    """One tag's records in one file, in ascending steps; one thread adds, any may read `rows`.

    Rows are packed into blocks that are never moved once they are full, since a server whose index
    grew by copying would keep the copies' room.
    """

    def __init__(self) -> None:
        self.rows = Rows()
        self.last = LOWEST
        self._pending = bytearray()
        self._gap = 0

    def suspicious(self, step: int) -> bool:
        """Whether a record at `step` would hide others, or leaps ahead as damage might make it."""
        if step <= self.last:
            return True
        return bool(self._gap) and step - self.last > 8 * self._gap

    def add(self, step: int, row: bytes) -> None:
        """Adds a packed row; it hides those whose step is not smaller."""
        if step <= self.last:
            self._cut(step)
        elif self.last != LOWEST:
            self._gap = max(self._gap, step - self.last)
        self.last = step
        self._pending += row
        if len(self._pending) >= BLOCK * ROW.itemsize // 2:
            self.publish()

    def publish(self) -> None:
        """Lets readers see what was added."""
        if self._pending:
            self.rows = _extended(self.rows, np.frombuffer(bytes(self._pending), ROW))
            self._pending = bytearray()

    def drop(self, offset: int) -> bool:
        """Takes the record at this offset out, if it is there."""
        self.publish()
        keep = self.rows.column("offset") != offset
        if keep.all():
            return False
        self._keep(keep)
        return True

    def _cut(self, step: int) -> None:
        self.publish()
        self._keep(self.rows.column("step") < step)

    def _keep(self, keep: np.ndarray) -> None:
        """Copies what is kept: snapshots that readers hold stay as they are."""
        blocks = self.rows.blocks
        all_rows = np.concatenate(blocks)[: len(keep)] if blocks else np.zeros(0, ROW)
        kept = all_rows[keep]
        self.rows = _extended(Rows(), kept)
        self.last = int(kept["step"][-1]) if len(kept) else LOWEST


def _extended(rows: Rows, new: np.ndarray) -> Rows:
    """`rows` and `new` behind them; blocks that had room are written to behind what is seen."""
    blocks, count = list(rows.blocks), rows.count
    while len(new):
        used = count % BLOCK
        if used == 0:
            blocks.append(np.empty(0, ROW))
        room = min(BLOCK - used, len(new))
        if used + room > len(blocks[-1]):
            grown = np.empty(min(BLOCK, max(used + room, used * 3 // 2)), ROW)
            grown[:used] = blocks[-1][:used]
            blocks[-1] = grown
        blocks[-1][used : used + room] = new[:room]
        count, new = count + room, new[room:]
    return Rows(tuple(blocks), count)


class Interned:
    """Values that many records share, numbered; at most MAX_INTERNED_BYTES of their bytes."""

    def __init__(self) -> None:
        self.values: list = []
        self._numbers: dict[bytes, int] = {}
        self._bytes = 0

    def number(self, key: bytes) -> int | None:
        return self._numbers.get(key)

    def add(self, key: bytes, value: object) -> int:
        """The number of a new value, or NO_NUMBER where there is no more room."""
        self._bytes += len(key) + 256
        if self._bytes > MAX_INTERNED_BYTES or len(self.values) >= NO_NUMBER:
            return NO_NUMBER
        self.values.append(value)
        self._numbers[key] = len(self.values) - 1
        return len(self.values) - 1


@dataclass(frozen=True)
class Merged:
    """Which row of which of `parts` each visible step of a tag is."""

    parts: tuple[Rows, ...]
    which: np.ndarray
    rows: np.ndarray


class Tag:
    """A tag of this plugin: its parts by file name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts: dict[str, Part] = {}
        self.merged: Merged | None = None

    def part(self, file: str) -> Part:
        if file not in self.parts:
            self.parts[file] = Part()
        return self.parts[file]


def merge(
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, bool]:
    """(which part, which row of it, whether any interleave) of the visible records, by step.

    Args:
      parts: (ascending steps, wall times) of each, in the order of the files' names.
    """
    which, rows = np.zeros(0, np.uint16), np.zeros(0, np.uint32)
    steps, times = np.zeros(0, np.int64), np.zeros(0, np.float64)
    interleaved = False
    for i, (more_steps, more_times) in enumerate(parts):
        pairs = (
            (which, np.full(len(more_steps), i, np.uint16)),
            (rows, np.arange(len(more_steps), dtype=np.uint32)),
            (steps, more_steps),
            (times, more_times),
        )
        if _interleave(times, more_times):
            interleaved = True
            keep = _latest_of_each_step(*(np.concatenate(pair) for pair in pairs[2:]))
            which, rows, steps, times = (np.concatenate(pair)[keep] for pair in pairs)
        else:
            cut = int(np.searchsorted(steps, more_steps[0]))
            which, rows, steps, times = (np.concatenate((a[:cut], b)) for a, b in pairs)
    return which, rows, interleaved


def _interleave(a: np.ndarray, b: np.ndarray) -> bool:
    return len(a) > 0 and a.min() < b.max() and b.min() < a.max()


def _latest_of_each_step(steps: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Indices, ascending by step, of the record with the last wall time of each."""
    order = np.lexsort((times, steps))
    return order[np.append(np.diff(steps[order]) > 0, True)]
