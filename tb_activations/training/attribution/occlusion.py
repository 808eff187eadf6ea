"""Occlusion: what the score loses where a patch of the example is hidden.

S(x) − S(x with a patch replaced), at each position the mean over the patches that cover it (M.
Zeiler, R. Fergus, Visualizing and understanding convolutional networks, 2013, arXiv:1311.2901).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tb_activations.record.attribution import Baseline
from tb_activations.training.attribution.baselines import hidden_and_end, numeric
from tb_activations.training.attribution.framework import Point
from tb_activations.training.attribution.integrated_gradients import ends
from tb_activations.training.attribution.options import check_sides
from tb_activations.training.attribution.question import Maps, Question

Values = Mapping[Point, np.ndarray]
Sides = int | tuple[int, ...] | None


@dataclass(frozen=True)
class Occlusion:
    """As many passes forward as there are patches, and none back.

    patch: its sides, one for all axes of positions or one for each; None for an eighth of each.
    stride: from patch to patch; None for half a patch. The last ones are cut off at the border.

    Where an example has no positions, every channel is hidden by itself, or as many neighbours as
    the patch is long.
    """

    patch: Sides = None
    stride: Sides = None
    name: ClassVar[str] = "occlusion"
    usual_baseline: ClassVar[Baseline | None] = Baseline("mean", None)
    chooses_points: ClassVar[bool] = False
    at_positions: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for option in ("patch", "stride"):
            value = getattr(self, option)
            value = tuple(value) if isinstance(value, list) else value
            object.__setattr__(self, option, value)
            check_sides(option, value)

    def passes(self, points: Sequence[Point]) -> int:
        return sum(len(self.patches(point)) for point in points)

    def patches(self, point: Point) -> list[tuple[slice, ...]]:
        """Every patch, as slices of the axes of positions.

        Raises:
          ValueError: sides for other axes than there are, or patches that leave values out.
        """
        sides = positions_of(point)
        patch = _each("patch", self.patch, point, [max(1, side // 8) for side in sides])
        patch = [min(one, side) for one, side in zip(patch, sides, strict=True)]
        stride = _each("stride", self.stride, point, [max(1, one // 2) for one in patch])
        if any(s > p < side for s, p, side in zip(stride, patch, sides, strict=True)):
            raise ValueError(
                f"stride is {self.stride!r}, longer than the patch, {patch}: what lies between two "
                "would never be hidden"
            )
        along = [
            [slice(at, min(at + p, side)) for at in range(0, side - p + s, s)]
            for p, s, side in zip(patch, stride, sides, strict=True)
        ]
        return list(itertools.product(*along))

    def explain(self, question: Question) -> Maps:
        hidden = question.points
        if question.baseline is None:  # integers that are rescaled have a mean, categories none
            hidden = numeric(question)
        start, end = hidden_and_end(question)
        start = {p: start[p] if p in hidden else end[p] for p in end}
        for point in set(question.points) - set(hidden):
            question.remark(
                f"{point.name} holds integers that are no numbers, which have no mean: it was not "
                "hidden; pass a baseline to hide it by"
            )
        maps, before = ends(question, start, end)
        values = tuple(self._map(question, p, start[p], end[p], maps) for p in question.points)
        for point, value in zip(question.points, values, strict=True):
            if point in hidden and not value.any():
                question.remark(
                    f"no patch that was hidden at {point.name} changed the score: the target does "
                    "not depend on it, or what hides it is what is there already"
                )
        return replace(maps, values=values, baseline_scores=before)

    def _map(
        self, question: Question, point: Point, start: np.ndarray, end: np.ndarray, maps: Maps
    ) -> np.ndarray:
        """`[rows, *positions, 1]`, or `[rows, channels]` where there are no positions."""
        patches = self.patches(point)
        sides = positions_of(point)
        sums = np.zeros((len(end), *sides), np.float64)
        counts = np.zeros(sides, np.int64)
        for patch in patches:
            counts[patch] += 1
        for rows, numbers in question.repeats(len(patches)):
            hidden = end[rows]  # a copy
            for i, (row, number) in enumerate(zip(rows, numbers, strict=True)):
                place = whole_channels(point, patches[number])
                hidden[i][place] = start[row][place]
            lost = (
                maps.scores[rows].astype(np.float64)
                - question.run(rows, put={point: hidden}).scores
            )
            for row, number, one in zip(rows, numbers, lost, strict=True):
                sums[row][patches[number]] += one
        found = (sums / counts).astype(point.dtype)
        return found[..., None] if len(point.shape) > 1 else found


def positions_of(point: Point) -> tuple[int, ...]:
    """The sides that patches lie along: those of the positions, else of the channels."""
    if len(point.shape) < 2:
        return point.shape
    axis = point.channel_axis - 1
    return tuple(side for i, side in enumerate(point.shape) if i != axis)


def whole_channels(point: Point, patch: tuple[slice, ...]) -> tuple[slice, ...]:
    """The patch in all channels of an example."""
    if len(point.shape) < 2:
        return patch
    axis = point.channel_axis - 1
    return (*patch[:axis], slice(None), *patch[axis:])


def _each(option: str, value: Sides, point: Point, usual: list[int]) -> list[int]:
    """One for each axis."""
    if value is None:
        return usual
    if isinstance(value, int):
        return [value] * len(usual)
    if len(value) != len(usual):
        raise ValueError(
            f"{option} is {value!r}, and {point.name} has {len(usual)} axes to hide along, "
            f"{list(positions_of(point))}: a number, or one for each"
        )
    return list(value)
