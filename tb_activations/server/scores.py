"""What the maps of an attribution add up to, over steps, for `/scores`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tb_activations.record.errors import RecordError
from tb_activations.record.scores import Scores, read_scores
from tb_activations.sources.series import Gone, Series

MAX_STEPS = 10_000


@dataclass(frozen=True)
class Scored:
    """The steps, and the scores of each; None where a record is damaged."""

    steps: list[int]
    scores: list[Scores | None]


def scored(series: Series, positions: Sequence[int]) -> Scored:
    """The scores at these positions, read from their records."""
    steps = series.steps
    return Scored([int(steps[i]) for i in positions], [_read(series, i) for i in positions])


def _read(series: Series, position: int) -> Scores | None:
    try:
        return read_scores(series.record(position))
    except (RecordError, Gone, OSError):
        return None
