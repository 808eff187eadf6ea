"""How the rows of a Keras model's layers belong to examples, found with two small plain passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from tb_activations.training.batch import Batch, mapped, span
from tb_activations.training.fold import Fold, fold_of
from tb_activations.training.keras.forward import forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.tensors import cut, to_numpy
from tb_activations.training.selection import Named

_SHOWN = 20
_EXAMPLES = 2  # of the smaller batch, where there are more


class Rows:
    """Tells the fold of layers whose rows are not one an example.

    Args:
      inputs: one slice, as tensors.
      divisible: whether the model takes any number of examples.

    left_out: entry name → why it cannot be logged, of those that nobody asked for.
    """

    def __init__(self, model: Any, inputs: Any, divisible: bool = True) -> None:
        self.left_out: dict[str, str] = {}
        self._model = model
        self._inputs = inputs
        self._divisible = divisible

    def folds(self, names: Iterable[str]) -> dict[str, Fold | str]:
        """Of each entry: its fold, or why it has none."""
        names = list(names)
        if not names:
            return {}
        if not self._divisible:
            return dict.fromkeys(names, "its rows are not the examples, and the batch has one size")
        counts, (few, many) = self._sizes()
        with _eagerly():
            before, after = self._values(names, few), self._values(names, many)
        return {
            name: fold_of(before[name], after[name], counts)
            if name in before and name in after
            else "it does not run with every number of examples"
            for name in names
        }

    def described(self) -> list[str]:
        """What is left out, with the reasons, `'fft': it is complex`; the first twenty."""
        first = [f"{name!r}: {why}" for name, why in list(self.left_out.items())[:_SHOWN]]
        rest = len(self.left_out) - len(first)
        return [*first, f"and {rest} more"] if rest else first

    def _sizes(self) -> tuple[tuple[int, int], tuple[Any, Any]]:
        """Two batches, one the beginning of the other; a single example twice."""
        count = len(Batch(self._inputs))
        if count == 1:
            doubled = mapped(lambda leaf: keras.ops.concatenate([leaf, leaf]), self._inputs)
            return (1, 2), (self._inputs, doubled)
        few = min(_EXAMPLES, count - 1)
        many = few + 1
        both = (span(self._inputs, 0, few, cut), span(self._inputs, 0, many, cut))
        return (few, many), both

    def _values(self, names: list[str], inputs: Any) -> dict[str, np.ndarray]:
        def keep(_: Any, value: Any) -> np.ndarray:
            return to_numpy(value)

        with preserved(self._model, apart=True), watching(Named(names), keep=keep) as watch:
            forward(self._model, inputs)
        return watch.values


@contextmanager
def _eagerly() -> Iterator[None]:
    """Outside of a graph of TensorFlow's that is being built."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    with tf.init_scope():
        yield
