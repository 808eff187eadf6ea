"""What the last update of a run has cost: where a record says so, see `record.cost`."""

from __future__ import annotations

from collections.abc import Sequence

from tb_activations.record.cost import UpdateCost, holds_cost, read_cost
from tb_activations.record.errors import RecordError
from tb_activations.sources.series import Gone, Series


def last_cost(every: Sequence[Series]) -> tuple[int, UpdateCost] | None:
    """(step, cost) of the last one that is known of a run's tags, each of which has steps.

    None where none is known, or what is known is damaged.
    """
    try:
        knowing = [one for one in every if holds_cost(one.header(len(one.steps) - 1))]
        last = max(knowing, key=lambda one: int(one.steps[-1]), default=None)
        if last is None:
            return None
        return int(last.steps[-1]), read_cost(last.record(len(last.steps) - 1))
    except (RecordError, Gone, OSError):
        return None
