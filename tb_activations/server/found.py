"""What the reader finds of a tag's steps, and of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tb_activations.record.cost import UpdateCost
from tb_activations.record.header import Header
from tb_activations.server.overview import Overview


@dataclass(frozen=True)
class Step:
    """One entry of `/steps`."""

    step: int
    wall_time: float
    header: Header
    labels: tuple[str, ...] | None


@dataclass(frozen=True)
class Steps:
    """The steps of a tag, ascending; `entries` can be read once. source: FILES or TENSORBOARD."""

    complete: bool
    sampled: bool
    source: str
    entries: Iterator[Step]


@dataclass(frozen=True)
class Health:
    """What `/overview` answers of a run.

    source: TENSORBOARD where any of its tags is read so. update: the last update whose cost is
    known, its step and cost; None where there is none.
    """

    complete: bool
    sampled: bool
    source: str
    overview: Overview
    update: tuple[int, UpdateCost] | None = None
