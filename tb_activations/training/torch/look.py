"""What a model's modules return for other inputs than the probe's: see `receptive`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tb_activations.training.batch import Batch, leaves, mapped, uneven
from tb_activations.training.piece import Pass, Piece, ValuesPiece
from tb_activations.training.plan import LayerPlan
from tb_activations.training.receptive import Take
from tb_activations.training.recorder import SLICE
from tb_activations.training.torch.data import named, to_numpy_any


class ModuleLook:
    """A `Look` at a model."""

    size = SLICE

    def __init__(
        self,
        make_pass: Callable[[tuple[LayerPlan, ...]], Pass],
        batch: Batch,
        layers: tuple[LayerPlan, ...],
    ) -> None:
        self._batch = batch
        self._names = [name for name, _ in named(batch.inputs)]
        self._pass = make_pass(layers)

    def __call__(self, name: str, examples: np.ndarray, take: Take) -> None:
        def hand_over(layer: str, piece: Piece) -> None:
            if isinstance(piece, ValuesPiece):
                take(layer, piece.values)

        names = iter(self._names)

        def shown(leaf: Any) -> Any:
            if next(names) != name:
                first = to_numpy_any(leaf)[:1]
                return torch.as_tensor(np.repeat(first, self.size, axis=0))
            return torch.as_tensor(examples.astype(to_numpy_any(leaf).dtype))

        self._pass(mapped(shown, self._batch.inputs), 0, hand_over)


def can_look(batch: Batch) -> bool:
    """Whether every input is an array whose examples can be repeated."""
    arrays = all(hasattr(leaf, "ndim") for leaf in leaves(batch.inputs))
    return arrays and not uneven(batch.inputs)
