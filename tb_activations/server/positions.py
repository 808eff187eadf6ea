"""Which of a tag's positions are meant: a step, a half-open range, so many of a range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tb_activations.server.lookup import LISTED, NotThere
from tb_activations.sources.series import Series, Where

Span = tuple[int, int]  # half open, of positions


def position_of(series: Series, step: int, where: Where) -> int:
    steps = series.steps
    position = int(np.searchsorted(steps, step))
    if position < len(steps) and steps[position] == step:
        return position
    raise NotThere(f"no step {step} of {where}; {_steps(steps)}")


def slice_of(span: Span | None, size: int, name: str, where: str) -> slice:
    """The slice of a span that must lie within `size` positions."""
    if span is None:
        return slice(0, size)
    first, last = span
    if last > size:
        there = f"it has {name} 0:{size}" if size else "it has none"
        raise NotThere(f"{name} {first}:{last} is not in {where}; {there}")
    return slice(first, last)


def chosen_of(positions: range, rows: int | None) -> Sequence[int]:
    """All, or `rows` of them at even distances, rounded down."""
    last = len(positions) - 1
    if rows is None or rows > last:
        return positions
    return [positions[i * last // max(1, rows - 1)] for i in range(rows)]


def _steps(steps: Sequence[int] | np.ndarray) -> str:
    if not len(steps):
        return "it has no step yet"
    if len(steps) <= LISTED:
        return f"it has {', '.join(str(step) for step in steps)}"
    return f"it has {len(steps)} from {steps[0]} to {steps[-1]}"
