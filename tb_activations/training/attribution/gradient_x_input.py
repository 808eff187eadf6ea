"""Gradient × input: what each value contributes if the score were linear from zero on.

x · dS/dx (A. Shrikumar et al., Not just a black box, 2016, arXiv:1605.01713). For networks of ReLUs
and max pooling without biases its sum is the score; what biases and curvature keep is the gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tb_activations.record.attribution import Baseline
from tb_activations.training.attribution.framework import Point
from tb_activations.training.attribution.question import Maps, Question


@dataclass(frozen=True)
class GradientXInput:
    """One pass forward and back. gap: score − sum of the values."""

    name: ClassVar[str] = "gradient_x_input"
    usual_baseline: ClassVar[Baseline | None] = None
    chooses_points: ClassVar[bool] = False
    at_positions: ClassVar[bool] = False

    def passes(self, _: Sequence[Point]) -> int:
        return 1

    def explain(self, question: Question) -> Maps:
        maps, values = question.once()
        question.check_reached(question.points)
        products = tuple(g * x for g, x in zip(maps.values, values, strict=True))
        return replace(maps, values=products, gap=maps.scores - sums(products))


def sums(arrays: tuple[np.ndarray, ...]) -> np.ndarray:
    """float64 `[rows]`: of each row of all arrays together."""
    return np.sum([a.reshape(len(a), -1).sum(axis=1, dtype=np.float64) for a in arrays], axis=0)
