"""A map → in which order what it explains is deleted: positions, or values where there are none.

A unit is a position of one array, with all its channels; units of several arrays stand one after
another and share one order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tb_activations.training.attribution.attribution import Attribution
from tb_activations.training.attribution.framework import Explained, Point
from tb_activations.training.attribution.occlusion import positions_of
from tb_activations.training.attribution.where import points_of
from tb_activations.training.batch import leaves


def maps_at(explained: Explained, attribution: Any) -> tuple[tuple[Point, ...], list[np.ndarray]]:
    """The points that are changed, and the map of each, `[n, …]` or `[n, k, …]`.

    Raises:
      ValueError: as many maps as there are arrays to change are not given.
    """
    if isinstance(attribution, Attribution):
        arrays = [np.asarray(one) for one in leaves(attribution.values)]
        return _points_of(explained, attribution), arrays
    points, _ = points_of(explained, None, False)
    arrays = [np.asarray(one) for one in leaves(_arrays(attribution))]
    if len(arrays) != len(points):
        names = ", ".join(point.name for point in points)
        raise ValueError(
            f"attribution holds {len(arrays)} arrays; there must be one for each of {names}"
        )
    return points, arrays


def _arrays(attribution: Any) -> Any:
    if isinstance(attribution, Mapping | tuple):
        return attribution
    if isinstance(attribution, list) and attribution and hasattr(attribution[0], "shape"):
        return attribution
    detached = attribution.detach().cpu() if hasattr(attribution, "detach") else attribution
    return np.asarray(detached)


def _points_of(explained: Explained, attribution: Attribution) -> tuple[Point, ...]:
    """Where it was taken; of Grad-CAM the input that its map lies over."""
    inputs = {point.name: point for point in explained.survey.inputs}
    if attribution.method.startswith("grad_cam"):
        axes = np.ndim(leaves(attribution.values)[0]) - np.ndim(attribution.score) - 1
        for point in inputs.values():
            if len(positions_of(point)) == axes and len(point.shape) > 1:
                return (point,)
        raise ValueError(
            f"attribution is a map of {axes} axes of positions, and no input has as many"
        )
    return tuple(inputs[one] if one in inputs else explained.chosen(one) for one in attribution.of)


def unit_values(
    points: Sequence[Point], maps: Sequence[np.ndarray], lead: tuple[int, ...]
) -> np.ndarray:
    """float64 `[rows, units]`: what a map says of each, its channels added up.

    Args:
      lead: the shape before that of an example, `(n,)` or `(n, k)`.

    Raises:
      ValueError: a map that does not fit what is changed, or is not finite.
    """
    return np.concatenate(
        [_of_point(point, array, lead) for point, array in zip(points, maps, strict=True)], axis=1
    )


def _of_point(point: Point, array: np.ndarray, lead: tuple[int, ...]) -> np.ndarray:
    sides, own = positions_of(point), array.shape[len(lead) :]
    if array.shape[: len(lead)] != lead or array.dtype.kind not in "fiub":
        raise ValueError(_unfit(point, array, lead))
    rows = array.reshape(-1, *own).astype(np.float64)
    if not np.isfinite(rows).all():
        raise ValueError("attribution holds values that are not finite, which have no order")
    if own == point.shape and len(point.shape) > 1:
        rows = rows.sum(axis=point.channel_axis)
    elif own == (*own[:-1], 1) and len(own) == len(sides) + 1:
        rows = rows[..., 0]
    if rows.ndim != len(sides) + 1 or (len(point.shape) < 2 and own != point.shape):
        raise ValueError(_unfit(point, array, lead))
    for axis, side in enumerate(sides, 1):
        rows = _enlarged(rows, axis, side)
    return rows.reshape(len(rows), -1)


def _enlarged(rows: np.ndarray, axis: int, side: int) -> np.ndarray:
    """Along one axis to a length, linearly between the middles of cells."""
    cells = rows.shape[axis]
    if cells == side:
        return rows
    at = np.clip((np.arange(side) + 0.5) * cells / side - 0.5, 0, cells - 1)
    low = np.minimum(at.astype(np.int64), max(cells - 2, 0))
    share = (at - low).reshape([-1 if i == axis else 1 for i in range(rows.ndim)])
    high = np.minimum(low + 1, cells - 1)
    return rows.take(low, axis) * (1 - share) + rows.take(high, axis) * share


def _unfit(point: Point, array: np.ndarray, lead: tuple[int, ...]) -> str:
    ways = [list(lead + point.shape)]
    if len(point.shape) > 1:
        ways.append([*lead, *positions_of(point)])
    return (
        f"attribution is {list(array.shape)} of {array.dtype}, which does not fit {point.name}: it "
        f"may be {' or '.join(map(str, ways))}, or a coarser map of as many axes"
    )


def in_order(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """`[rows, units]`: the numbers of the units, largest first, equal ones in a random order."""
    return np.lexsort((random.random(values.shape), -values), axis=1)


def with_units(
    points: Sequence[Point],
    start: Mapping[Point, np.ndarray],
    end: Mapping[Point, np.ndarray],
    chosen: np.ndarray,
) -> dict[Point, np.ndarray]:
    """Rows at each point: of `start` where units, bool `[rows, units]`, are chosen, else `end`."""
    found, first = {}, 0
    for point in points:
        sides = positions_of(point)
        count = int(np.prod(sides, dtype=np.int64))
        mask = chosen[:, first : first + count].reshape(-1, *sides)
        if len(point.shape) > 1:
            mask = np.expand_dims(mask, point.channel_axis)
        found[point] = np.where(mask, start[point], end[point])
        first += count
    return found
