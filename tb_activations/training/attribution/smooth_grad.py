"""SmoothGrad: the mean of the gradients around an example, whose fine noise cancels.

1/n Σ dS/dx(x + e), e normal, its standard deviation a share of the range of the example's values
(D. Smilkov et al., SmoothGrad, 2017, arXiv:1706.03825). The mean is signed; its standard error, the
deviation of the gradients ÷ √n, is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tb_activations.record.attribution import Baseline
from tb_activations.training.attribution.baselines import numeric, of_examples
from tb_activations.training.attribution.framework import Point, Rules
from tb_activations.training.attribution.integrated_gradients import scores_of
from tb_activations.training.attribution.options import check_count, check_share
from tb_activations.training.attribution.question import Maps, Question

Values = Mapping[Point, np.ndarray]


@dataclass(frozen=True)
class SmoothGrad:
    """As many passes forward and back as there are samples, one without noise.

    samples: how many are drawn around each example. noise: their standard deviation, as a share of
    the range of the example's values, at each array that is explained; 0 for the gradient itself.
    The noise comes from the seed alone: it is the same at every step of a training, for every
    target of an example, and for every size of batch.
    """

    samples: int = 32
    noise: float = 0.15
    name: ClassVar[str] = "smooth_grad"
    usual_baseline: ClassVar[Baseline | None] = None
    chooses_points: ClassVar[bool] = False
    at_positions: ClassVar[bool] = False
    rules: ClassVar[Rules | None] = None

    def __post_init__(self) -> None:
        check_count("samples", self.samples)
        check_share("noise", self.noise)

    def passes(self, _: Sequence[Point]) -> int:
        return self.samples if self.noise else 1

    def explain(self, question: Question) -> Maps:
        drawn = numeric(question)
        if not self.noise:  # all samples are the example
            maps, _ = question.once(rules=self.rules)
            question.check_reached(question.points)
            return replace(maps, errors=tuple(np.zeros_like(one) for one in maps.values))
        end = of_examples(question)
        noisy = Noisy(question, end, {p: self.noise if p in drawn else 0 for p in end})
        maps = scores_of(question, end)
        noisy.check_independent()
        means, errors = self._mean(question, noisy)
        question.check_reached(question.points)
        return replace(maps, values=means, errors=errors)

    def _mean(
        self, question: Question, noisy: Noisy
    ) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """The mean of the gradients and its standard error, at each point.

        Sums run over differences from the first gradient, so that what does not change has no
        error; memory does not grow with the samples.
        """
        first = {p: np.zeros(shape, p.dtype) for p, shape in noisy.shapes.items()}
        sums = {p: np.zeros(shape, np.float64) for p, shape in noisy.shapes.items()}
        squares = {p: np.zeros(shape, np.float64) for p, shape in noisy.shapes.items()}
        for rows, samples in question.repeats(self.samples):
            put = noisy.of(rows, samples)
            answer = question.run(rows, at=list(put), put=put, gradients=True, rules=self.rules)
            for point, gradient in zip(put, answer.gradients, strict=True):
                if gradient is None:
                    continue
                for row, sample, one in zip(rows, samples, gradient, strict=True):
                    if sample == 0:
                        first[point][row] = one
                    off = one.astype(np.float64) - first[point][row]
                    sums[point][row] += off
                    squares[point][row] += off * off
        n, points = self.samples, question.points
        means = tuple((first[p] + sums[p] / n).astype(p.dtype) for p in points)
        errors = tuple(_error(sums[p], squares[p], n).astype(p.dtype) for p in points)
        return means, errors


def _error(sums: np.ndarray, squares: np.ndarray, n: int) -> np.ndarray:
    """Of a mean of n; 0 of one."""
    if n == 1:
        return np.zeros_like(sums)
    return np.sqrt(np.maximum(squares - sums * sums / n, 0) / (n - 1) / n)


class Noisy:
    """Examples with noise, each drawn by a generator of its own when it is wanted.

    Args:
      noise: of each point, as a share of its examples' ranges; 0 for none.
    """

    def __init__(self, question: Question, end: Values, noise: Mapping[Point, float]) -> None:
        self.shapes = {p: array.shape for p, array in end.items()}
        self._question = question
        self._end = end
        self._sizes = {p: noise[p] * _ranges(array).astype(p.dtype) for p, array in end.items()}
        drawn = [size for p, size in self._sizes.items() if noise[p]]
        if not all(np.isfinite(size).all() for size in drawn):
            raise ValueError("noise: an example holds values that are not finite; it has no range")
        if any((size == 0).any() for size in drawn):
            question.remark(
                "an example whose values are all the same has no range, so that no noise was added "
                "to it: pass one whose values differ, or read its map as the plain gradient"
            )

    def of(self, rows: np.ndarray, samples: np.ndarray) -> dict[Point, np.ndarray]:
        """`[m, …]` at each point: of each row, that sample."""
        return {
            point: np.stack([self._one(i, point, r, k) for r, k in zip(rows, samples, strict=True)])
            for i, point in enumerate(self._end)
        }

    def _one(self, i: int, point: Point, row: int, sample: int) -> np.ndarray:
        value, size = self._end[point][row], self._sizes[point][row]
        if not size:
            return value
        example = int(row) // self._question.targets
        random = np.random.default_rng([self._question.seed, i, example, int(sample)])
        return value + size * random.standard_normal(value.shape, value.dtype.type)

    def check_independent(self) -> None:
        """Finds out whether a batch mixes examples, where one alone could not show it."""
        question = self._question
        if question.independent is None and question.has_room(2):
            beside = self.of(np.array([0]), np.array([0]))
            put = {p: np.concatenate([array[:1], beside[p]]) for p, array in self._end.items()}
            question.run(np.array([0, 0]), put=put, unchanged=True)


def _ranges(array: np.ndarray) -> np.ndarray:
    """`[rows]`: the largest value less the smallest."""
    flat = array.reshape(len(array), -1)
    return flat.max(axis=1) - flat.min(axis=1)
