"""A model and a batch → {layer: array}: one forward pass, seen from inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tb_activations.training.batch import check_batched, first_batch
from tb_activations.training.selection import Selection
from tb_activations.training.shapes import DataError
from tb_activations.training.torch.data import (
    arranged,
    clearer,
    describing,
    with_all,
)
from tb_activations.training.torch.forward import Placed, check_model, taken
from tb_activations.training.torch.functions import asked_functions
from tb_activations.training.torch.names import Names
from tb_activations.training.torch.scores import Scores
from tb_activations.training.torch.state import random_numbers
from tb_activations.training.torch.survey import How, check, how_of, selected
from tb_activations.training.torch.tensors import to_numpy
from tb_activations.training.torch.watch import Watch
from tb_activations.training.watched import Wishes


def capture(
    model: Any,
    x: Any,
    layers: Any = None,
    *,
    functions: bool = True,
    forward: Callable[[Any, Any], Any] | None = None,
    autocast: Any = None,
) -> dict[str, np.ndarray]:
    """As `training.frameworks.capture` has it, of an `nn.Module`."""
    how = how_of(Wishes(functions=functions, forward=forward, autocast=autocast))
    Selection(layers)  # refuses what cannot choose layers, before the model is asked for its names
    check_model(model)
    check_batched(x, "x")
    with random_numbers(model):
        takes = taken(model)
        batch = first_batch(
            x, "x", lambda one, name, streamed: arranged(takes, one, name, streamed)
        )
    names = Names(model)
    selection = selected(layers, names)
    try:
        watch = _pass(model, batch.inputs, names, selection, how)
    except DataError as refused:
        other = with_all(batch)
        if other is None:
            raise
        try:
            watch = _pass(model, other.inputs, names, selection, how)
        except DataError as again:
            raise clearer(refused, again) from None
    check(selection, names, watch)
    return watch.values


def _pass(model: Any, inputs: Any, names: Names, selection: Selection, how: How) -> Watch:
    watch = Watch(
        names,
        selection,
        lambda _, value: array(value),
        functions=how.functions,
        asked=asked_functions(selection.texts),
        first=how.first,
    )
    with describing(inputs, "x", model):
        how.run(model, Placed(model).all(inputs), watch)
    return watch


def array(value: Any) -> np.ndarray:
    """A copy of the tensor, or of all scores."""
    return to_numpy(value.whole() if isinstance(value, Scores) else value)
