"""The forward pass that everything here makes: training off; nothing that it changes is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from tb_activations.training.keras.kind import check_kind
from tb_activations.training.keras.private import (
    clear_losses,
    flattened,
    preserved_losses,
    preserved_scopes,
    seeds_of_tensorflow,
)
from tb_activations.training.keras.several import Several, call_without_training
from tb_activations.training.keras.state import noted_state
from tb_activations.training.keras.tensors import name_of
from tb_activations.training.keras.watch import Watch
from tb_activations.training.selection import Place, Selection


def check_model(model: Any) -> None:
    """Refuses what is not a Keras model or layer, and one that has no forward pass."""
    check_kind(model)
    if type(model).call in (keras.Model.call, keras.Layer.call):
        raise ValueError(_no_call(model))


def _no_call(model: Any) -> str:
    inside = [name for name, one in vars(model).items() if isinstance(one, keras.Layer)]
    return (
        f"{type(model).__name__} {model.name!r} has no `call`, so it has no forward pass of its "
        "own: pass what to watch as `model`, one of its models or layers "
        f"({', '.join(inside) or 'it holds none'}); the callback takes a dict of them by name too, "
        "with data by the same names"
    )


def knowing(selection: Selection, model: Any) -> Selection:
    """The selection for this model, whose layers may be named like globs."""
    held = [one for layer in flattened(model) for one in getattr(layer, "operations", ())]
    members = model.models if isinstance(model, Several) else ()
    return selection.knowing([*map(name_of, [*flattened(model), *held]), *members])


def check(selection: Selection, watch: Watch, model: Any) -> None:
    """Refuses a selection that chose nothing in this pass."""
    idle = [
        (Place().inner(layer.name), layer)
        for layer in flattened(model)
        if id(layer) not in watch.ran
    ]
    selection.check(watch.entries, watch.hidden, idle)


def build(model: Any, inputs: Any) -> None:
    """Makes the variables of a model that has layers without them, as its first call would."""
    if not all(layer.built for layer in flattened(model)):
        call_without_training(model, inputs)
        clear_losses(flattened(model))


def build_apart(model: Any, inputs: Any) -> None:
    """As `build`; each of several by itself, so that its variables' paths are its own."""
    if not isinstance(model, Several):
        build(model, inputs)
        return
    for name, member in model.models.items():
        build(member, inputs[name])


def forward(model: Any, inputs: Any, state: Any = None) -> Any:
    """One pass with training off; what it assigns to variables and adds to losses is dropped.

    Args:
      state: pairs of a Keras variable and the value to use for it; None for the variables' own.
    """
    with keras.StatelessScope(state_mapping=state), preserved_losses(model), preserved_scopes():
        return call_without_training(model, inputs)


@contextmanager
def preserved(model: Any, apart: bool = False) -> Iterator[None]:
    """Puts back what a pass may change beside Keras' variables.

    The seeds of Python, NumPy and TensorFlow's eager operations, and what layers hold themselves,
    which no `StatelessScope` knows.

    Args:
      apart: eager operations of TensorFlow draw from a seed that training does not use.
    """
    python, numpy = random.getstate(), np.random.get_state()
    restores = noted_state(model)
    if _runs_on_tensorflow():
        restores.append(seeds_of_tensorflow(apart))
    try:
        yield
    finally:
        for restore in restores:
            restore()
        random.setstate(python)
        np.random.set_state(numpy)


def _runs_on_tensorflow() -> bool:
    return keras.backend.backend() == "tensorflow"
