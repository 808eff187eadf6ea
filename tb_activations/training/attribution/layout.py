"""Maps as they were computed → as a record holds them: `[n, …, k · parts]`, channels last.

A target is one channel where what is explained is summed over its own channels; at a layer that was
chosen, and where an example has at most one axis of positions, it is as many as those are: parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tb_activations.record.options import kept_channels
from tb_activations.training.attribution.framework import Point

_MAX_AXES = 3  # of positions
_TAG = "attribution"


@dataclass(frozen=True)
class Layout:
    """How one tag's maps lie.

    tag: its name. point: what is explained. sides: of its positions. channels: of what is
    explained. summed: whether over these. mapped: whether the map has its one channel already, and
    channels last. part_ids: of the parts kept, None for all.
    """

    tag: str
    point: Point
    sides: tuple[int, ...]
    channels: int
    summed: bool
    mapped: bool = False
    part_ids: tuple[int, ...] | None = None

    @property
    def parts(self) -> int:
        return 1 if self.summed else self.channels

    def values(self, examples: int, targets: int) -> int:
        """How many are kept."""
        kept = self.parts if self.part_ids is None else len(self.part_ids)
        return examples * targets * math.prod(self.sides) * kept

    def with_parts(self, most: int) -> Layout:
        """At most so many parts of each target, evenly spread among all."""
        return replace(self, part_ids=kept_channels(self.parts, most))

    def channel_ids(self, targets: int) -> tuple[int, ...] | None:
        """Of the record: the same parts of each target."""
        if self.part_ids is None:
            return None
        return tuple(k * self.parts + i for k in range(targets) for i in self.part_ids)

    def arranged(self, values: np.ndarray, examples: int) -> np.ndarray:
        """`[n, *sides, k · parts]` of rows `[n · k, …]`, an example's targets one after another."""
        axis = values.ndim - 1 if self.mapped else self.point.channel_axis
        last = np.moveaxis(values, axis, -1)
        if self.summed and not self.mapped:
            last = last.sum(axis=-1, keepdims=True, dtype=np.float64).astype(values.dtype)
        rows = last.reshape(examples, -1, *last.shape[1:])  # [n, k, *sides, parts]
        moved = np.moveaxis(rows, 1, -2)
        return np.ascontiguousarray(moved.reshape(*moved.shape[:-2], -1))


def layout_of(tag: str, point: Point, *, chosen: bool, mapped: bool) -> Layout:
    """How the maps at one point are kept.

    Args:
      chosen: whether a layer was asked for; an embedding that stands for its integers is not.
      mapped: whether the method gives a map of one channel, channels last.

    Raises:
      ValueError: more axes than a record has.
    """
    axis = point.channel_axis - 1
    sides = tuple(side for i, side in enumerate(point.shape) if i != axis)
    if not point.shape or len(sides) > _MAX_AXES:
        raise ValueError(
            f"the attribution of {point.name!r}, {list(point.shape)} an example, cannot be logged: "
            f"it must have channels and at most {_MAX_AXES} axes of positions"
        )
    is_input = point.leaf is not None
    summed = mapped or (len(sides) >= 2 and not chosen) or (not is_input and not chosen)
    return Layout(tag, point, sides, point.shape[axis], summed and bool(sides), mapped)


def tags_of(methods: Sequence[tuple[str, bool, Sequence[Point]]]) -> list[list[str]]:
    """The tags of each method, one a point.

    `attribution/gradients`, where a layer was chosen `attribution/gradients/conv1`, of several
    inputs `attribution/gradients/input.a`; one that is there already ends in `:2`.

    Args:
      methods: name, whether a layer was chosen, points.
    """
    used: dict[str, int] = {}
    found: list[list[str]] = []
    for method, chosen, points in methods:
        named = chosen or len(points) > 1
        names = [f"{_TAG}/{method}" + (f"/{one.name}" if named else "") for one in points]
        found.append([])
        for name in names:
            used[name] = used.get(name, 0) + 1
            found[-1].append(name if used[name] == 1 else f"{name}:{used[name]}")
    return found
