"""What a Keras model's layers return for other inputs than the probe's.

By the pass that records, where it hands over all that the layers return: it is compiled already,
and a plain pass may take minutes (a grouped convolution of TensorFlow's is compiled at each call).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tb_activations.training.batch import Batch, leaves, mapped, uneven
from tb_activations.training.keras.passes import PlainPass
from tb_activations.training.keras.survey import fixed_batch
from tb_activations.training.keras.tensors import parts, tensor
from tb_activations.training.piece import Pass, Piece, ValuesPiece
from tb_activations.training.plan import LayerPlan
from tb_activations.training.receptive import Take
from tb_activations.training.recorder import SLICE

_ENOUGH = 8  # examples in a pass that is made for so many, so that no other is made


class KerasLook:
    """A `Look` at a model: see `receptive`.

    Args:
      names: what the inputs are called, in the order of `leaves`; None for `input`, `input.key`.
      run: a pass that hands over whole layers, as `ValuesPiece`; None for the plain one.
    """

    def __init__(
        self,
        model: Any,
        batch: Batch,
        layers: tuple[LayerPlan, ...],
        names: list[str] | None = None,
        run: Pass | None = None,
    ) -> None:
        self._batch = batch
        self._names = names or [f"input{part}" for part, _ in parts(batch.inputs)]
        self._plain = PlainPass(model, layers)
        self._pass: Pass = run or self._plain
        made_for = min(len(batch), SLICE)
        self.size = fixed_batch(model) or (made_for if made_for >= _ENOUGH else SLICE)

    def __call__(self, name: str, examples: np.ndarray, take: Take) -> None:
        def hand_over(layer: str, piece: Piece) -> None:
            assert isinstance(piece, ValuesPiece)
            take(layer, piece.values)

        names = iter(self._names)

        def shown(leaf: Any) -> Any:
            return tensor(examples if next(names) == name else _first(leaf, self.size))

        inputs = mapped(shown, self._batch.inputs)
        try:
            self._pass(inputs, 0, hand_over)
        except Exception:
            if self._pass is self._plain:
                raise
            self._pass = self._plain  # no such pass of so many examples can be made
            self._pass(inputs, 0, hand_over)


def _first(leaf: Any, size: int) -> np.ndarray:
    """The first example of an input, `size` times."""
    return np.repeat(np.asarray(leaf)[:1], size, axis=0)


def can_look(batch: Batch) -> bool:
    """Whether every input is an array whose examples can be repeated."""
    arrays = all(isinstance(leaf, np.ndarray) for leaf in leaves(batch.inputs))
    return arrays and not uneven(batch.inputs)
