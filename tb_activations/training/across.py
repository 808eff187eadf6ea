"""Which layers look across the batch: their values in slices are not those of the whole batch.

A pass over the slices is held against one over the whole: what is kept of the first examples, and
each channel's smallest, largest and mean value and spread over all. What differs by more than
rounding looks across the batch (minibatch deviations, in-batch similarities, noise drawn in order).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.batch import Batch
from tb_activations.training.piece import Pass, Piece
from tb_activations.training.plan import LayerPlan

WHOLE_BYTES = 512 << 20  # values of one pass over a whole batch
UNASKED_BYTES = 32 << 20  # the same, where no layer is known to look across it
_TOLERANCE = {2: 4e-2, 4: 2e-3, 8: 2e-3}  # of the largest magnitude, by bytes of a value
_COMPARED = 4  # columns of a table of statistics: min, max, mean, std


@dataclass
class _Seen:
    """What a pass shows of one layer: the first examples' values, statistics of each slice."""

    kept: list[np.ndarray]
    statistics: list[ChannelStatistics]

    def shape(self) -> tuple[int, ...]:
        return (*self.kept[0].shape[1:-1], len(self.statistics[0].finite))


def looking_across(
    run: Pass, layers: Iterable[LayerPlan], parts: Iterable[Any], whole: Any, keep: int
) -> dict[str, tuple[int, ...]]:
    """The layers, in order, whose values in `parts` are others than in `whole`.

    Each with its shape of one example there, `(*spatial, c)`.

    Args:
      run: shows the layers.
      parts: inputs in slices, all of `whole` together.
      keep: how many of the first examples are compared value by value.
    """
    plans = {layer.name: layer for layer in layers}
    sliced = _seen(run, plans, parts, keep)
    once = _seen(run, plans, [whole], keep)
    differ = [name for name in plans if not _same(sliced[name], once[name])]
    if not differ:
        return {}
    # What no two passes show alike is left to chance, and depends on nothing.
    again = _seen(run, plans, [whole], keep)
    return {name: once[name].shape() for name in differ if _same(once[name], again[name])}


def affordable(layers: Iterable[LayerPlan], examples: int, limit: int | None = None) -> bool:
    """Whether one pass of so many examples stays within a limit, WHOLE_BYTES by default."""
    values = sum(replace(layer, channel_ids=None).values(1) for layer in layers)
    return values * 4 * examples <= (WHOLE_BYTES if limit is None else limit)


def _seen(
    run: Pass, plans: dict[str, LayerPlan], parts: Iterable[Any], keep: int
) -> dict[str, _Seen]:
    seen = {name: _Seen([], []) for name in plans}
    left = keep

    def take(name: str, piece: Piece) -> None:
        layer = plans[name]
        seen[name].statistics.append(piece.statistics(layer))
        if piece.keep:
            seen[name].kept.append(_kept(piece, layer))

    for part in parts:
        kept = min(left, len(Batch(part)))
        run(part, kept, take)
        left -= kept
    return seen


def _kept(piece: Piece, layer: LayerPlan) -> np.ndarray:
    try:
        return np.array(piece.kept_values(layer))
    except IndexError:  # fewer channels than in the slices that were planned for
        return np.zeros(0)


def _same(one: _Seen, other: _Seen) -> bool:
    try:
        a, b = np.concatenate(one.kept), np.concatenate(other.kept)
        tables = [_merged(seen.statistics).table()[:, :_COMPARED] for seen in (one, other)]
    except ValueError:  # other numbers of channels, or other sizes
        return False
    return _close(a, b, a.dtype.itemsize) and _close(tables[0], tables[1], a.dtype.itemsize)


def _merged(statistics: list[ChannelStatistics]) -> ChannelStatistics:
    first, *rest = statistics
    for one in rest:
        first = first.merge(one)
    return first


def _close(a: np.ndarray, b: np.ndarray, itemsize: int) -> bool:
    if a.shape != b.shape:
        return False
    a, b = a.astype(np.float64), b.astype(np.float64)
    finite = np.abs(np.concatenate([a[np.isfinite(a)], b[np.isfinite(b)]]))
    allowed = _TOLERANCE.get(itemsize, 1e-1) * (finite.max() if finite.size else 0)
    return bool(np.allclose(a, b, rtol=0, atol=allowed, equal_nan=True))
