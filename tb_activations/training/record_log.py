"""Writes records to a run's event file, and goes on where the disk does not.

Owns the event writer of one log directory, opened with the first record. An error is kept, once,
as a sentence for the training thread to warn with; the records it costs are lost, later ones are
tried again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record.metadata import TagAttribution, summary_metadata


@dataclass(frozen=True)
class Tag:
    """What a record is of. kind: "activation", "input", "attribution" with what it explains, or
    "run". order: its place among the tags."""

    name: str
    kind: str
    order: int
    attribution: TagAttribution | None = None


class RecordLog:
    """Appends to one event file; used from one thread at a time."""

    def __init__(self, log_dir: str | os.PathLike[str]) -> None:
        self.log_dir = Path(log_dir)
        self._writer: EventWriter | None = None
        self._complaint: str | None = None
        self._complained = False

    def write(self, tag: Tag, blobs: list[bytes], step: int, wall_time: float) -> None:
        """Appends one record; what goes wrong becomes the complaint."""
        metadata = summary_metadata(tag.kind, tag.order, attribution=tag.attribution)
        event = activation_event(tag.name, blobs, step, wall_time, metadata)
        try:
            self._opened().write(event)
        except OSError as e:
            path = self._writer.path if self._writer else self.log_dir
            self.complain(f"cannot write activations to {path}: {e.strerror or e}")

    def complain(self, sentence: str) -> None:
        """Keeps the first complaint."""
        if not self._complained:
            self._complaint = f"{sentence}; training goes on, and what cannot be logged is lost"
            self._complained = True

    def take_complaint(self) -> str | None:
        """The complaint, the first time it is asked for."""
        complaint, self._complaint = self._complaint, None
        return complaint

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def _opened(self) -> EventWriter:
        """The writer; a new one where the file was removed under it."""
        if self._writer is not None and not self._writer.path.exists():
            self.complain(f"{self._writer.path} was removed while it was written to")
            self.close()
        if self._writer is None:
            self._writer = EventWriter(self.log_dir)
        return self._writer
