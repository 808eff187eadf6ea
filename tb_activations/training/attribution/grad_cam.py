"""Grad-CAM: where in a layer's feature maps the target is seen.

Σₖ aₖ Aᵏ with aₖ the mean of dS/dAᵏ over the positions (R. Selvaraju et al., Grad-CAM, 2016,
arXiv:1610.02391). The map is kept at the layer's own resolution and signed; the paper's ReLU is an
option, its enlargement a matter of display.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tb_activations.record.attribution import Baseline
from tb_activations.training.attribution.framework import Point
from tb_activations.training.attribution.question import Maps, Question
from tb_activations.training.attribution.refusals import what_works

NO_MAP = (
    "needs a layer that shows an example at more than one position, and this model has none before "
    "its output"
)


@dataclass(frozen=True)
class GradCam:
    """One pass forward and back, of the layers above the map alone. relu: the positive part."""

    relu: bool = False
    name: ClassVar[str] = "grad_cam"
    usual_baseline: ClassVar[Baseline | None] = None
    chooses_points: ClassVar[bool] = True
    at_positions: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.relu, bool):
            raise TypeError(f"relu is {self.relu!r}; it may be True or False")

    def passes(self, _: Sequence[Point]) -> int:
        return 1

    def explain(self, question: Question) -> Maps:
        found, values, point = gradients_at_a_map(question, self.name)
        question.check_reached((point,))
        values, gradients = (
            np.moveaxis(a, point.channel_axis, -1) for a in (values, found.values[0])
        )
        weights = self.weights(values, gradients, question)
        summed = (weights * values).sum(axis=-1, keepdims=True).astype(values.dtype)
        return replace(found, values=(np.maximum(summed, 0) if self.relu else summed,))

    def weights(self, values: np.ndarray, gradients: np.ndarray, _: Question) -> np.ndarray:
        """float64 `[rows, 1, …, c]` of a layer's values `[rows, *positions, c]` and gradients."""
        axes = tuple(range(1, values.ndim - 1))
        return gradients.mean(axis=axes, keepdims=True, dtype=np.float64)


def gradients_at_a_map(question: Question, method: str) -> tuple[Maps, np.ndarray, Point]:
    """Gradients at the layer asked for, or at the last map; the layer's values; the layer.

    Raises:
      ValueError: no layer has positions, or the one asked for has none.
    """
    maps = question.explained.survey.maps
    point = question.points[0] if question.points else maps[-1] if maps else None
    if point is None:
        raise ValueError(f"{method} {NO_MAP}: {what_works(question.explained)}")
    if len(point.shape) < 2:
        raise ValueError(
            f"{method}: layer {point.name!r} returns {list(point.shape)} for an example, without "
            "positions; method='gradient_x_input' works there"
        )
    found, (values,) = question.once((point,))
    if not question.points and positions_seen(found.values[0], point) < 2:
        seen = last_seen(question, maps)
        if seen != point:
            found, (values,) = question.once((seen,))
            point = seen
    return found, values, point


def positions_seen(gradients: np.ndarray, point: Point) -> int:
    """At how many positions the gradient of any row is not zero."""
    moved = np.moveaxis(gradients, point.channel_axis, -1)
    return int(moved.any(axis=(0, -1)).sum())


def last_seen(question: Question, maps: tuple[Point, ...]) -> Point:
    """The last map that the target sees at several positions.

    A class token is read at one position alone: what the others hold counts up to the last
    attention, and the maps behind that are left out.
    """
    row = question.rows[:1]
    gradients = question.run(row, at=maps, gradients=True).gradients
    for point, gradient in zip(reversed(maps), reversed(gradients), strict=True):
        if gradient is not None and positions_seen(gradient, point) > 1:
            return point
    return maps[-1]
