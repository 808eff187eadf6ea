"""Integrated gradients: what each value contributes on the straight way from a baseline.

(x − x') · ∫₀¹ dS/dx(x' + a (x − x')) da (M. Sundararajan, A. Taly, Q. Yan, Axiomatic attribution
for deep networks, 2017, arXiv:1703.01365). The sum is S(x) − S(x'), up to the gap, which is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tb_activations.record.attribution import Baseline
from tb_activations.training.attribution.baselines import start_and_end
from tb_activations.training.attribution.framework import Point
from tb_activations.training.attribution.gradient_x_input import sums
from tb_activations.training.attribution.options import check_count
from tb_activations.training.attribution.question import Maps, Question, scored

RULES = ("gauss_legendre", "midpoint")


@dataclass(frozen=True)
class IntegratedGradients:
    """As many passes forward and back as there are steps.

    steps: points on the way. rule: how they lie and weigh, "gauss_legendre" or "midpoint".
    tolerance: None, or the share of |S(x) − S(x')| that the gap may be: the steps are doubled
    until it is met or `max_steps` are reached.
    """

    steps: int = 32
    rule: str = "gauss_legendre"
    tolerance: float | None = None
    max_steps: int = 256
    name: ClassVar[str] = "integrated_gradients"
    usual_baseline: ClassVar[Baseline | None] = Baseline()
    chooses_points: ClassVar[bool] = False
    at_positions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        check_count("max_steps", self.max_steps)
        if self.rule not in RULES:
            raise ValueError(f"rule is {self.rule!r}; it may be {' or '.join(map(repr, RULES))}")
        if self.tolerance is not None and not self.tolerance > 0:
            raise ValueError(f"tolerance is {self.tolerance!r}; it must be above 0, or None")

    def passes(self, _: Sequence[Point]) -> int:
        return self.steps if self.tolerance is None else max(self.steps, self.max_steps)

    def explain(self, question: Question) -> Maps:
        start, end = start_and_end(question)
        scores, before = ends(question, start, end)
        steps = self.steps
        while True:
            means = mean_gradients(question, start, end, *quadrature(self.rule, steps))
            products = {p: means[p] * (end[p].astype(np.float64) - start[p]) for p in end}
            gap = scores.scores - before - sums(tuple(products.values()))
            if self._is_met(gap, scores.scores - before) or 2 * steps > self.max_steps:
                break
            steps *= 2
        question.check_reached(question.points)
        values = tuple(products[p].astype(p.dtype) for p in question.points)
        return replace(scores, values=values, baseline_scores=before, gap=gap)

    def _is_met(self, gap: np.ndarray, difference: np.ndarray) -> bool:
        if self.tolerance is None:
            return True
        return bool((np.abs(gap) <= self.tolerance * np.abs(difference)).all())


def quadrature(rule: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Where between 0 and 1 the integrand is taken, and with which weights, which sum to 1."""
    if rule == "midpoint":
        return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)
    at, weights = np.polynomial.legendre.leggauss(steps)
    return (at + 1) / 2, weights / 2


Values = Mapping[Point, np.ndarray]


def ends(question: Question, start: Values, end: Values) -> tuple[Maps, np.ndarray]:
    """The scores of each row and at its baseline; the classes predicted are fixed by the first."""
    maps = scores_of(question, end)
    chunks = question.chunks(question.rows)
    return maps, np.concatenate([baseline_scores(question, start, end, rows) for rows in chunks])


def scores_of(question: Question, end: Values) -> Maps:
    """The scores of each row, and no maps yet; the classes predicted stay the target."""
    passes = [
        question.run(rows, put={p: end[p][rows] for p in end}, unchanged=True)
        for rows in question.chunks(question.rows)
    ]
    maps = Maps(points=question.points, values=(), **scored(passes))
    if maps.classes is not None:
        question.classes = maps.classes
    return maps


def baseline_scores(question: Question, start: Values, end: Values, rows: np.ndarray) -> np.ndarray:
    """`[rows]`; beside the first example, where it is not yet known whether a batch mixes them."""
    put = {p: start[p][rows] for p in start}
    if question.independent is not None or not question.has_room(len(rows) + 1):
        return question.run(rows, put=put).scores
    put = {p: np.concatenate([end[p][:1], put[p]]) for p in put}
    return question.run(np.append(0, rows), put=put, unchanged=True).scores[1:]


def mean_gradients(
    question: Question, start: Values, end: Values, at: np.ndarray, weights: np.ndarray
) -> dict[Point, np.ndarray]:
    """float64 `[rows, …]` at each point: Σ weight · gradient; memory does not grow with steps."""
    totals = {p: np.zeros(end[p].shape, np.float64) for p in end}
    for rows, steps in question.repeats(len(at)):
        put = {p: between(start[p][rows], end[p][rows], at[steps]) for p in end}
        answer = question.run(rows, at=list(put), put=put, gradients=True)
        for point, gradient in zip(put, answer.gradients, strict=True):
            if gradient is None:
                continue
            for row in np.unique(rows):
                mine = rows == row
                totals[point][row] += np.tensordot(weights[steps[mine]], gradient[mine], axes=1)
    return totals


def between(start: np.ndarray, end: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Values on the straight way, in the dtype of the end."""
    factor = shares.reshape(-1, *[1] * (end.ndim - 1)).astype(end.dtype)
    return start + factor * (end - start)
