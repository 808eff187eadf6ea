"""JAX: the pass compiled by XLA, once for each size of slice; the values come back."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from tb_activations.training.batch import Batch, leaves, mapped
from tb_activations.training.keras.forward import forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.survey import Scout
from tb_activations.training.keras.tensors import home_of
from tb_activations.training.piece import Take, ValuesPiece
from tb_activations.training.plan import LayerPlan
from tb_activations.training.selection import Named


class CompiledPass:
    """Takes the values of the model's variables at each call, as it must not keep them."""

    def __init__(
        self,
        model: Any,
        layers: tuple[LayerPlan, ...],
        inputs: Any,
        scout: Scout | None = None,
    ) -> None:
        self._model = model
        self._layers = {layer.name: layer for layer in layers}
        self._scout = scout
        self._structure = inputs
        self._function = jax.jit(self._run)
        with preserved(model):
            jax.eval_shape(self._run, self._state(), leaves(inputs))

    @classmethod
    def scouting(cls, model: Any, inputs: Any, scout: Scout) -> CompiledPass:
        """Shapes are told without a value; then the pass is planned, and compiled when it runs."""
        return cls(model, (), inputs, scout)

    def __call__(self, inputs: Any, keep: int, take: Take) -> None:
        examples = len(Batch(inputs))
        with preserved(self._model):
            outputs = self._function(self._state(), leaves(inputs))
        for (name, layer), value in zip(self._layers.items(), outputs, strict=True):
            take(name, ValuesPiece(examples, keep, layer.unfolded(np.asarray(value))))

    def whole(self) -> CompiledPass:
        """A pass that hands over all that the layers return."""
        return self

    def _state(self) -> list[Any]:
        return [variable.value for variable in self._model.variables]

    def _run(self, state: list[Any], flat: list[Any]) -> list[Any]:
        rest = iter(flat)
        inputs = mapped(lambda _: next(rest), self._structure)
        pairs = list(zip(self._model.variables, state, strict=True))
        home = home_of(flat[0])
        if self._scout is not None:
            with watching(self._scout.wants, home=home, keep=self._scout.note) as watch:
                outputs = forward(self._model, inputs, pairs)
            chosen = self._scout.choose(watch, self._model, outputs)
            self._layers, self._scout = {layer.name: layer for layer in chosen}, None
            return []
        with watching(Named(self._layers), home=home) as watch:
            forward(self._model, inputs, pairs)
        return [watch.values[name] for name in self._layers]
