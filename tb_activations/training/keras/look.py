"""What a Keras model's layers return for other inputs than the probe's, from a plain pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from tb_activations.training.batch import Batch, leaves, mapped, uneven
from tb_activations.training.keras.passes import PlainPass
from tb_activations.training.keras.survey import fixed_batch
from tb_activations.training.keras.tensors import parts, tensor
from tb_activations.training.piece import Piece, ValuesPiece
from tb_activations.training.plan import LayerPlan
from tb_activations.training.receptive import Take
from tb_activations.training.recorder import SLICE


class PlainLook:
    """A `Look` at a model: see `receptive`.

    Args:
      names: what the inputs are called, in the order of `leaves`; None for `input`, `input.key`.
    """

    def __init__(
        self,
        model: Any,
        batch: Batch,
        layers: tuple[LayerPlan, ...],
        names: list[str] | None = None,
    ) -> None:
        self._batch = batch
        self._names = names or [f"input{part}" for part, _ in parts(batch.inputs)]
        self._pass = PlainPass(model, layers)
        self.size = fixed_batch(model) or SLICE

    def __call__(self, name: str, examples: np.ndarray, take: Take) -> None:
        def hand_over(layer: str, piece: Piece) -> None:
            assert isinstance(piece, ValuesPiece)
            take(layer, piece.values)

        names = iter(self._names)

        def shown(leaf: Any) -> Any:
            return tensor(examples if next(names) == name else _first(leaf, self.size))

        self._pass(mapped(shown, self._batch.inputs), 0, hand_over)


def _first(leaf: Any, size: int) -> np.ndarray:
    """The first example of an input, `size` times."""
    return np.repeat(np.asarray(leaf)[:1], size, axis=0)


def can_look(batch: Batch) -> bool:
    """Whether every input is an array whose examples can be repeated."""
    arrays = all(isinstance(leaf, np.ndarray) for leaf in leaves(batch.inputs))
    return arrays and not uneven(batch.inputs)
