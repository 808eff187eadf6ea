"""One slice of a batch through a model → what each planned layer adds to its record.

Values are copied when a module returns them, before anything can write to them, and the statistics
left to the thread that encodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.batch import Batch
from tb_activations.training.piece import MergedPiece, Piece, Take, ValuesPiece
from tb_activations.training.plan import LayerPlan
from tb_activations.training.selection import Named
from tb_activations.training.torch.forward import Placed
from tb_activations.training.torch.functions import asked_functions
from tb_activations.training.torch.layout import Layout
from tb_activations.training.torch.names import Names
from tb_activations.training.torch.scores import Scores
from tb_activations.training.torch.survey import How
from tb_activations.training.torch.tensors import to_numpy
from tb_activations.training.torch.watch import Watch

_AT_ONCE = 16 << 20  # bytes of scores; more are computed an example at a time


class WatchedPass:
    """The forward pass as it is; each layer's values are handed over as soon as they are there."""

    def __init__(
        self,
        model: nn.Module,
        layers: tuple[LayerPlan, ...],
        layouts: Mapping[str, Layout],
        how: How,
    ) -> None:
        self._model = model
        self._layers = {layer.name: layer for layer in layers}
        self._layouts = layouts
        self._how = how
        self._names = Names(model)
        self._wants = Named(self._layers)
        self._asked = asked_functions(self._layers)

    def __call__(self, inputs: Any, keep: int, take: Take) -> None:
        examples = len(Batch(inputs))

        def hand_over(entry: Any, value: Any) -> None:
            take(entry.name, self._piece(entry.name, value, examples, keep))

        watch = Watch(
            self._names,
            self._wants,
            hand_over,
            functions=self._how.functions,
            asked=self._asked,
            first=self._how.first,
        )
        # Placed anew at each pass: the model may be on another device by now.
        self._how.run(self._model, Placed(self._model).all(inputs), watch)

    def _piece(self, name: str, value: Any, examples: int, keep: int) -> Piece:
        layer, layout = self._layers[name], self._layouts[name]
        if isinstance(value, Scores):
            if value.nbytes > _AT_ONCE:
                return _by_example(value, layer, keep)
            value = value.whole()
        return ValuesPiece(examples, keep, layer.unfolded(to_numpy(layout.of(value))))


def _by_example(scores: Scores, layer: LayerPlan, keep: int) -> Piece:
    """Scores of many examples, of which no more than one's are held, and those that are kept."""
    merged: ChannelStatistics | None = None
    kept: list[np.ndarray] = []
    for i in range(scores.shape[0]):
        piece = ValuesPiece(1, 1, to_numpy(scores.of(i, i + 1)))
        statistics = piece.statistics(layer)
        merged = statistics if merged is None else merged.merge(statistics)
        if i < keep:
            kept.append(np.array(piece.kept_values(layer)))
    assert merged is not None
    values = np.concatenate(kept) if kept else np.zeros((0, *layer.shape), np.float32)
    return MergedPiece(scores.shape[0], keep, merged, values)
