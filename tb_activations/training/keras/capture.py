"""A model and a batch → {layer: array}: one forward pass, seen from inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from tb_activations.training.batch import mapped
from tb_activations.training.keras.fitting import fitting, inputs_taken
from tb_activations.training.keras.forward import (
    build,
    check,
    check_model,
    forward,
    knowing,
    preserved,
)
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.tensors import tensor, to_numpy
from tb_activations.training.selection import Selection


def capture(model: Any, x: Any, layers: Any = None) -> dict[str, np.ndarray]:
    """The outputs of the layers of `model` for the batch `x`, from one forward pass.

    Args:
      model: a Keras model or layer, of any kind. One that was never called is built, as its first
        call would.
      x: the inputs as the model takes them (an array, or a list, tuple or dict of them); (x, y);
        or a dataset, generator or Keras sequence, whose first batch is taken.
      layers: a name, glob, layer object, layer class or predicate over layers, or a list of
        them; None for every layer whose values no other entry shows. See
        `tb_activations.training.selection`.

    Returns:
      {name: array}, in the order of execution. Arrays are as the layer returns them, `[n, …]`, in
      its dtype; ragged and sparse ones are made dense.

    Raises:
      ValueError: a layer that the model does not have, or that runs inside a loop; x that the
        model does not take.
      TypeError: `model` is not a Keras model or layer.
    """
    selection = Selection(layers)
    check_model(model)
    inputs = mapped(tensor, inputs_taken(model, x))
    with fitting(model, inputs, "x"):
        build(model, inputs)
        selection = knowing(selection, model)
        with preserved(model), watching(selection) as watch:
            forward(model, inputs)
    check(selection, watch, model)
    return {name: to_numpy(value) for name, value in watch.values.items()}
