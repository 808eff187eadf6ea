"""One slice of a batch through a model → what each planned layer adds to its record.

On a CPU the statistics are made when a module returns, before anything can write to its values and
while they are in the cache, which takes no longer than to copy them all; what is kept is copied.
What has no quick statistics is copied whole and left to the thread that encodes. On an accelerator
see `gathered`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.batch import Batch
from tb_activations.training.piece import MergedPiece, Piece, Take, ValuesPiece, kept_of
from tb_activations.training.plan import LayerPlan
from tb_activations.training.selection import Named
from tb_activations.training.torch.forward import Placed
from tb_activations.training.torch.functions import asked_functions
from tb_activations.training.torch.gathered import (
    Chosen,
    Gathered,
    Odd,
    can_sum,
    on_accelerator,
    summed_alone,
)
from tb_activations.training.torch.layout import Layout
from tb_activations.training.torch.names import Names
from tb_activations.training.torch.scores import Scores
from tb_activations.training.torch.state import device_of
from tb_activations.training.torch.survey import How
from tb_activations.training.torch.tensors import foreign, viewed
from tb_activations.training.torch.watch import Watch

# Bytes of scores; more are computed an example at a time, on the host.
_AT_ONCE = 16 << 20
_AT_ONCE_ON_DEVICE = 256 << 20


class WatchedPass:
    """The forward pass as it is; each layer's values are handed over as soon as they are there.

    Args:
      gather: True: values are summed where they are, and handed over once the pass has ended.
        False: all are handed over as they are. None: what is on an accelerator is summed there.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: tuple[LayerPlan, ...],
        layouts: Mapping[str, Layout],
        how: How,
        gather: bool | None = None,
    ) -> None:
        self._gather = gather
        self._apart = False
        self._chosen = Chosen()
        self._model = model
        self._layers = {layer.name: layer for layer in layers}
        self._layouts = layouts
        self._how = how
        self._names = Names(model)
        self._wants = Named(self._layers)
        self._asked = asked_functions(self._layers)

    def __call__(self, inputs: Any, keep: int, take: Take) -> None:
        examples = len(Batch(inputs))
        # Placed anew at each pass: the model may be on another device by now.
        placed = Placed(self._model).all(inputs)
        gather = self._gather
        if gather is None:
            gather = device_of(self._model).type != "cpu"
        if not gather:
            self._run(
                placed, lambda name, value: take(name, self._piece(name, value, examples, keep))
            )
            return
        try:
            self._gathered(placed, examples, keep).hand_over(examples, keep, take)
        except Odd:
            # The same pass again; from now on they are told apart at once.
            self._apart = True
            self._gathered(placed, examples, keep).hand_over(examples, keep, take)

    def _gathered(self, placed: Any, examples: int, keep: int) -> Gathered:
        gathered = Gathered(self._apart)
        summed = can_sum if self._gather else on_accelerator

        def add(name: str, value: Any) -> None:
            layer = self._layers[name]
            if isinstance(value, Scores) and value.nbytes <= _AT_ONCE_ON_DEVICE:
                value = value.whole()
            if isinstance(value, torch.Tensor) and summed(value):
                laid = layer.unfolded(self._layouts[name].of(value), torch)
                gathered.add(layer, laid, keep, self._chosen(layer, laid))
            else:
                gathered.add_piece(name, self._piece(name, value, examples, keep))

        self._run(placed, add)
        return gathered

    def _run(self, placed: Any, show: Callable[[str, Any], None]) -> None:
        watch = Watch(
            self._names,
            self._wants,
            lambda entry, value: show(entry.name, value),
            functions=self._how.functions,
            asked=self._asked,
            first=self._how.first,
        )
        self._how.run(self._model, placed, watch)

    def _piece(self, name: str, value: Any, examples: int, keep: int) -> Piece:
        layer, layout = self._layers[name], self._layouts[name]
        if isinstance(value, Scores):
            if value.nbytes > _AT_ONCE:
                return _by_example(value, layer, keep)
            value = value.whole()
        values = layer.unfolded(viewed(layout.of(value)))
        quick = None if self._gather is False else _quick(values, layer)
        if quick is None:
            return ValuesPiece(examples, keep, np.array(values), foreign(value))
        kept = kept_of(values, layer, keep)
        if layer.channel_ids is None:  # else it is a copy
            kept = np.array(kept)
        return MergedPiece(examples, keep, quick, kept, foreign(value))


def _quick(values: np.ndarray, layer: LayerPlan) -> ChannelStatistics | None:
    if values.shape[1 if layer.channels_first else -1] != layer.channels:
        return None  # what the plan keeps may not be there
    return ChannelStatistics.quick(values, layer.channels_first)


def _by_example(scores: Scores, layer: LayerPlan, keep: int) -> Piece:
    """Scores of many examples, of which few are held at a time, and those that are kept."""
    merged: ChannelStatistics | None = None
    kept: list[np.ndarray] = []
    source: str | None = None
    there = on_accelerator(scores.query)
    step = max(1, _AT_ONCE_ON_DEVICE * scores.shape[0] // scores.nbytes) if there else 1
    for start in range(0, scores.shape[0], step):
        some = scores.of(start, start + step)
        wanted, source = min(max(keep - start, 0), len(some)), foreign(some)
        values, statistics = _of_scores(some, layer, wanted)
        merged = statistics if merged is None else merged.merge(statistics)
        kept.append(values)
    assert merged is not None
    return MergedPiece(scores.shape[0], keep, merged, np.concatenate(kept), source)


def _of_scores(
    scores: torch.Tensor, layer: LayerPlan, keep: int
) -> tuple[np.ndarray, ChannelStatistics]:
    if on_accelerator(scores):
        return summed_alone(scores, layer, keep)
    piece = ValuesPiece(len(scores), keep, viewed(scores))
    return np.array(piece.kept_values(layer)), piece.statistics(layer)
