"""Layer-wise relevance propagation: the score, shared out layer by layer down to the values.

A unit passes its relevance on in proportion to what each input added to it (S. Bach et al., On
pixel-wise explanations, 2015, PLOS ONE 10(7), e0130140): in dense layers with ε in the denominator,
in convolutions with contributions of the output's own sign favoured by γ (L. Andéol et al., 2021,
arXiv:2106.04985, the form for outputs of either sign), at an input of known bounds by the box rule
(G. Montavon et al., Layer-wise relevance propagation: an overview, 2019, LNCS 11700).

BatchNormalization is folded into the convolution or dense layer before it. Activations pass their
relevance on. Attention's scores and the deviations that layers divide by are held (A. Ali et al.,
XAI for transformers, 2022, arXiv:2202.07304).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from tb_activations.record.attribution import Baseline
from tb_activations.training.attribution.framework import Point, Relevance
from tb_activations.training.attribution.gradient_x_input import sums
from tb_activations.training.attribution.options import check_bounds, check_share
from tb_activations.training.attribution.question import Maps, Question


@dataclass(frozen=True)
class Lrp:
    """One pass forward and back, in which a convolution runs two to four times.

    epsilon: added to what is divided by, with its sign. gamma: how much more contributions of the
    output's own sign count in convolutions; 0 for the ε rule, infinity for these alone (z⁺).
    dense: whether in dense layers, too. bounds: the lowest and highest value of the inputs, for the
    box rule in the layers that take an input itself. gap: score − sum of the values: what biases
    keep, and what has no rule.
    """

    epsilon: float = 1e-6
    gamma: float = 0.25
    dense: bool = False
    bounds: tuple[float, float] | None = None
    name: ClassVar[str] = "lrp"
    usual_baseline: ClassVar[Baseline | None] = None
    chooses_points: ClassVar[bool] = False
    at_positions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_share("epsilon", self.epsilon)
        check_share("gamma", self.gamma, infinite=True)
        if not isinstance(self.dense, bool):
            raise TypeError(f"dense is {self.dense!r}; it may be True or False")
        bounds = tuple(self.bounds) if isinstance(self.bounds, list) else self.bounds
        object.__setattr__(self, "bounds", bounds)
        check_bounds("bounds", bounds)

    def passes(self, _: Sequence[Point]) -> int:
        return 3

    def explain(self, question: Question) -> Maps:
        rules = Relevance(self.epsilon, self.gamma, self.dense, self.bounds)
        maps, _ = question.once(rules=rules)
        question.check_reached(question.points)
        return replace(maps, gap=maps.scores - sums(maps.values))
