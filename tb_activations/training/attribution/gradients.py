"""Gradients: how fast the target's score changes with each value.

dS/dx, signed (K. Simonyan, A. Vedaldi, A. Zisserman, Deep inside convolutional networks, 2013,
arXiv:1312.6034, whose pictures show the largest magnitude over the colours).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tb_activations.record.attribution import Baseline
from tb_activations.training.attribution.framework import Point
from tb_activations.training.attribution.question import Maps, Question


@dataclass(frozen=True)
class Gradients:
    """One pass forward and back."""

    name: ClassVar[str] = "gradients"
    usual_baseline: ClassVar[Baseline | None] = None
    chooses_points: ClassVar[bool] = False
    at_positions: ClassVar[bool] = False

    def passes(self, _: Sequence[Point]) -> int:
        return 1

    def explain(self, question: Question) -> Maps:
        maps, _ = question.once()
        question.check_reached(question.points)
        return maps
