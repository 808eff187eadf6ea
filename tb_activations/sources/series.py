"""One tag's steps as a source of records knows them: what timeline and provider have in common.

A `Series` is a snapshot: position i of `steps`, `wall_times` and `summaries` stays the same record
for as long as the snapshot is held, whatever is written meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tb_activations.record.header import Header
from tb_activations.record.metadata import TagMetadata
from tb_activations.record.statistics import LayerSummary
from tb_activations.record.values import Record

# Five numbers of a layer at a step, as in the record's summary.
SUMMARY = np.dtype(
    [
        ("rms", "<f4"),
        ("largest", "<f4"),
        ("dead", "<u4"),
        ("constant", "<u4"),
        ("nonfinite", "<u4"),
    ]
)


class Gone(LookupError):
    """A record that was listed, and that its source no longer has."""


class Unavailable(RuntimeError):
    """TensorBoard's data provider failed to answer."""


@dataclass(frozen=True)
class Viewer:
    """Who asks: TensorBoard's request context, and the experiment of the URL."""

    context: Any
    experiment: str


@dataclass(frozen=True)
class Where:
    """One tag of one run."""

    run: str
    tag: str

    def __str__(self) -> str:
        return f"tag {quoted(self.tag)}, run {quoted(self.run)}"


@dataclass(frozen=True)
class TagInfo:
    """What is known of a tag; description is Markdown as it was logged.

    `wall_time` is when it was last written, in seconds since 1970; None where that is no number.
    """

    metadata: TagMetadata
    description: str
    wall_time: float | None


FILES = "files"
TENSORBOARD = "tensorboard"


class Series(Protocol):
    """The steps of one tag, ascending; `complete` is false while a source still fills in."""

    @property
    def source(self) -> str:
        """FILES where the event files are read here, TENSORBOARD where it reads them."""
        ...

    @property
    def complete(self) -> bool: ...

    @property
    def sampled(self) -> bool:
        """Whether steps that were logged may be missing here."""
        ...

    @property
    def steps(self) -> np.ndarray:
        """int64 [n]."""
        ...

    @property
    def wall_times(self) -> np.ndarray:
        """float64 [n], seconds since 1970."""
        ...

    def summaries(self) -> np.ndarray:
        """SUMMARY [n]."""
        ...

    def header(self, position: int) -> Header: ...

    def alike(self) -> np.ndarray:
        """int64 [n]; records of the same number have the same header."""
        ...

    def labels(self, position: int) -> tuple[str, ...] | None: ...

    def record(self, position: int) -> Record:
        """The record at `position`. Raises Gone where it is no longer there."""
        ...


def summary_row(summary: LayerSummary) -> tuple[float, float, int, int, int]:
    """A row of SUMMARY."""
    return (
        summary.rms,
        summary.largest,
        summary.dead,
        summary.constant,
        summary.nonfinite,
    )


def quoted(name: str) -> str:
    """A name as it stands in a sentence; names may be of any length."""
    return repr(name if len(name) <= 200 else name[:200] + "…")
