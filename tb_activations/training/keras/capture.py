"""A model and a batch → {layer: array}: one forward pass, seen from inside.

`forward` is the pass that every probe makes: training off, and nothing that it changes is kept.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from tb_activations.training.batch import inputs_of, mapped
from tb_activations.training.keras.watch import Watch, flattened, watching
from tb_activations.training.selection import Selection


def capture(model: Any, x: Any, layers: Any = None) -> dict[str, np.ndarray]:
    """The outputs of the layers of `model` for the batch `x`, from one forward pass.

    Args:
      model: a Keras model or layer, of any kind. One that was never called is built, as its first
        call would.
      x: the inputs as the model takes them (an array, or a list, tuple or dict of them), or a
        dataset, generator or Keras sequence, whose first batch is taken.
      layers: a name, glob, layer object, layer class or predicate over layers, or a list of
        them; None for every layer whose values no other entry shows. See
        `tb_activations.training.selection`.

    Returns:
      {name: array}, in the order of execution. Arrays are as the layer returns them, `[n, …]`, in
      its dtype; ragged and sparse ones are made dense.

    Raises:
      ValueError: a layer that the model does not have, or that runs inside a loop.
      TypeError: `model` is not a Keras model or layer.
    """
    selection = Selection(layers)
    check_model(model)
    inputs = mapped(tensor, inputs_of(x))
    build(model, inputs)
    with preserved(model), watching(selection.wants) as watch:
        forward(model, inputs)
    check(selection, watch, model)
    return {name: to_numpy(value) for name, value in watch.values.items()}


def check_model(model: Any) -> None:
    """Refuses what is not a Keras model or layer."""
    if not isinstance(model, keras.Layer):
        raise TypeError(f"model is a {type(model).__name__}; it must be a Keras model or layer")


def check(selection: Selection, watch: Watch, model: Any) -> None:
    """Refuses a selection that chose nothing in this pass."""
    idle = [layer for layer in flattened(model) if id(layer) not in watch.ran]
    selection.check(watch.entries, watch.hidden, idle)


def build(model: Any, inputs: Any) -> None:
    """Makes the variables of a model that has layers without them, as its first call would."""
    if not all(layer.built for layer in flattened(model)):
        _call(model, inputs)
        for layer in flattened(model):
            layer._clear_losses()


def forward(model: Any, inputs: Any, state: Any = None) -> Any:
    """One pass with training off; what it assigns to variables and adds to losses is dropped.

    Args:
      state: pairs of a Keras variable and the value to use for it; None for the variables' own.
    """
    with keras.StatelessScope(state_mapping=state), _preserved_losses(model):
        return _call(model, inputs)


@contextmanager
def _preserved_losses(model: Any) -> Iterator[None]:
    """Puts back what `model.losses` holds: every call of a model empties it first."""
    holders = [layer for layer in flattened(model) if hasattr(layer, "_losses")]
    before = [(layer, list(layer._losses), set(layer._loss_ids)) for layer in holders]
    try:
        yield
    finally:
        for layer, losses, ids in before:
            layer._losses[:] = losses
            layer._loss_ids.clear()
            layer._loss_ids.update(ids)


def _call(model: Any, inputs: Any) -> Any:
    if getattr(model, "_call_has_training_arg", True):
        return model(inputs, training=False)
    return model(inputs)


@contextmanager
def preserved(model: Any) -> Iterator[None]:
    """Puts back what a pass may change beside Keras' variables.

    The seeds of Python, NumPy and TensorFlow's eager operations, and the `tf.Variable`s that are
    no weights and that layers hold themselves, which no `StatelessScope` knows.
    """
    python, numpy = random.getstate(), np.random.get_state()
    restore_tensorflow = _tensorflow_seeds()
    variables = [(variable, variable.numpy()) for variable in _bare_variables(model)]
    try:
        yield
    finally:
        for variable, value in variables:
            variable.assign(value)
        random.setstate(python)
        np.random.set_state(numpy)
        restore_tensorflow()


def _bare_variables(model: Any) -> list[Any]:
    if keras.backend.backend() != "tensorflow":
        return []
    import tensorflow as tf

    held = (value for layer in flattened(model) for value in vars(layer).values())
    return [one for one in held if isinstance(one, tf.Variable) and not one.trainable]


def _tensorflow_seeds() -> Callable[[], None]:
    if keras.backend.backend() != "tensorflow":
        return lambda: None
    from tensorflow.python.eager import context

    generator = getattr(context.context(), "_rng", None)  # None where no global seed is set
    if generator is None:
        return lambda: None
    state = generator.getstate()
    return lambda: generator.setstate(state)


def to_numpy(value: Any) -> np.ndarray:
    """A tensor of any backend, ragged or sparse, as an array."""
    if hasattr(value, "to_tensor"):
        value = value.to_tensor()
    if isinstance(value, np.ndarray):
        return value
    return np.asarray(keras.ops.convert_to_numpy(value))


def tensor(leaf: Any) -> Any:
    """An input as a tensor of the backend; strings as TensorFlow's."""
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "OUS":
        import tensorflow as tf

        return tf.constant(leaf)
    return keras.ops.convert_to_tensor(leaf) if isinstance(leaf, np.ndarray) else leaf
