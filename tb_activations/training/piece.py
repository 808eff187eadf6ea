"""What one slice of a batch adds to a layer's record, and the pass that hands it over.

A pass runs one slice through a model and calls `take(name, piece)` for every planned layer. A
`Piece` is either all that the layer returned, its statistics left to the thread that encodes, or
the sums that were computed where the values are, and those values that are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.plan import LayerPlan


class Piece(Protocol):
    """One slice of one layer.

    examples: in the slice. keep: how many of them are kept, the first ones. nbytes: what the piece
    holds in memory. source: the name of the layer's dtype where NumPy has none such; None for that
    of the values.
    """

    @property
    def examples(self) -> int: ...

    @property
    def keep(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    @property
    def source(self) -> str | None: ...

    def statistics(self, layer: LayerPlan) -> ChannelStatistics:
        """Over all examples of the slice."""

    def kept_values(self, layer: LayerPlan) -> np.ndarray:
        """`[keep, *spatial, c]` of the channels that the plan keeps, channels last."""


@dataclass(frozen=True)
class ValuesPiece:
    """All values of a slice, `[examples, …]` as the layer returned them."""

    examples: int
    keep: int
    values: np.ndarray
    source: str | None = None

    @property
    def nbytes(self) -> int:
        return self.values.nbytes

    def statistics(self, layer: LayerPlan) -> ChannelStatistics:
        return ChannelStatistics.of(self.values, layer.channels_first)

    def kept_values(self, layer: LayerPlan) -> np.ndarray:
        return kept_of(self.values, layer, self.keep)


def kept_of(values: np.ndarray, layer: LayerPlan, keep: int) -> np.ndarray:
    """`[keep, *spatial, c]` of what a layer returned, its memory as it lies."""
    kept, axis = values[:keep], 1 if layer.channels_first else values.ndim - 1
    if layer.channel_ids is not None:
        kept = np.take(kept, layer.channel_ids, axis)
    return np.moveaxis(kept, axis, -1)


@dataclass(frozen=True)
class SumsPiece:
    """The sums over a slice, and the values kept of it.

    sums: float64 `[7, c]`, the rows of `record.statistics.Sums`. kept: `[keep, *spatial, c]`,
    channels last, those channels alone that the plan keeps.
    """

    examples: int
    keep: int
    sums: np.ndarray
    kept: np.ndarray
    source: str | None = None

    @property
    def nbytes(self) -> int:
        return self.sums.nbytes + self.kept.nbytes

    def statistics(self, layer: LayerPlan) -> ChannelStatistics:
        return ChannelStatistics.of_sums(self.sums)

    def kept_values(self, layer: LayerPlan) -> np.ndarray:
        return self.kept


@dataclass(frozen=True)
class MergedPiece:
    """Statistics that the thread which runs the pass has made, and the values kept.

    kept: `[keep, *spatial, c]`, as `SumsPiece` has it.
    """

    examples: int
    keep: int
    merged: ChannelStatistics
    kept: np.ndarray
    source: str | None = None

    @property
    def nbytes(self) -> int:
        return self.kept.nbytes

    def statistics(self, layer: LayerPlan) -> ChannelStatistics:
        return self.merged

    def kept_values(self, layer: LayerPlan) -> np.ndarray:
        return self.kept


Take = Callable[[str, Piece], None]


class Pass(Protocol):
    """Runs one slice of inputs, and hands over what it adds to each planned layer, in order."""

    def __call__(self, inputs: Any, keep: int, take: Take) -> None:
        """Runs `inputs`, nested tensors `[examples, …]`, of which the first `keep` are kept."""
