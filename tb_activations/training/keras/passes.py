"""One slice of a batch through a model → what each planned layer adds to its record.

On TensorFlow a pass is a graph, whose statistics are computed where the activations are; on JAX it
is compiled by XLA; elsewhere, and for a model that cannot be traced, it is the plain forward pass.
Without a graph the statistics are left to the thread that encodes.
"""

from __future__ import annotations

from typing import Any

import keras

from tb_activations.training.batch import Batch
from tb_activations.training.keras.forward import forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.rows import Rows
from tb_activations.training.keras.survey import MakePlan, Scout, surveyed
from tb_activations.training.keras.tensors import to_numpy
from tb_activations.training.piece import Pass, Take, ValuesPiece
from tb_activations.training.plan import LayerPlan
from tb_activations.training.selection import Named, Selection


class PlainPass:
    """The forward pass as it is; each layer's values are handed over as soon as they are there."""

    def __init__(self, model: Any, layers: tuple[LayerPlan, ...]) -> None:
        self._model = model
        self._layers = {layer.name: layer for layer in layers}
        self._wants = Named(self._layers)

    def __call__(self, inputs: Any, keep: int, take: Take) -> None:
        def hand_over(entry: Any, value: Any) -> None:
            values = self._layers[entry.name].unfolded(to_numpy(value))
            take(entry.name, ValuesPiece(examples, keep, values))

        examples = len(Batch(inputs))
        with preserved(self._model, apart=True), watching(self._wants, keep=hand_over):
            forward(self._model, inputs)


def make_pass(model: Any, layers: tuple[LayerPlan, ...], inputs: Any, plain: bool = False) -> Pass:
    """The fastest pass that shows these layers; `inputs` are one slice, as tensors.

    Args:
      plain: the model's Python shall run at each call.
    """
    if plain:
        return PlainPass(model, layers)
    try:
        return _compiled(model, layers, inputs) or PlainPass(model, layers)
    except Exception:  # a model that runs in eager execution alone, or shows other layers there
        return PlainPass(model, layers)


def scouted_pass(
    model: Any,
    inputs: Any,
    selection: Selection,
    plan: MakePlan,
    rows: Rows,
    plain: bool = False,
) -> Pass:
    """Finds what there is in a slice, lets `plan` choose, and returns the pass that shows it.

    Where a trace tells all there is, nothing runs, and it becomes the pass; else one plain pass is
    looked at.

    Args:
      plain: as in `make_pass`.

    Raises:
      ValueError: a layer that was asked for is not there or cannot be logged, or none can.
    """
    try:
        kind = None if plain else _kind()
        if kind is not None:
            return kind.scouting(model, inputs, Scout(selection, len(Batch(inputs)), plan, rows))
    except Exception:  # the plain pass shows the layers; what the user did wrong is raised there
        pass
    return make_pass(model, plan(surveyed(model, inputs, selection, rows)), inputs, plain)


def whole_layers(run: Pass) -> Pass | None:
    """A pass as fast as `run` that hands over all that layers return, None where there is none."""
    whole = getattr(run, "whole", None)
    return whole() if whole else None


def _compiled(model: Any, layers: tuple[LayerPlan, ...], inputs: Any) -> Pass | None:
    """The pass of the backend, None where it has none of its own."""
    kind = _kind()
    return kind(model, layers, inputs) if kind is not None else None


def _kind() -> Any:
    """The class of the backend's own pass, or None."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from tb_activations.training.keras.graph_pass import GraphPass

        return GraphPass
    if backend == "jax":
        from tb_activations.training.keras.compiled_pass import CompiledPass

        return CompiledPass
    return None
