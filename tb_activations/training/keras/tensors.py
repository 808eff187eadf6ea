"""Tensors of every backend: to and from NumPy, their parts, and what they belong to."""

from __future__ import annotations

import functools
import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tb_activations.training.keras.private import trace_of

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


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


def cut(leaf: Any, start: int, stop: int) -> Any:
    """Examples `start` to `stop` of an array or tensor."""
    if hasattr(leaf, "dense_shape"):  # a sparse tensor cannot be indexed
        import tensorflow as tf

        shape = [stop - start, *leaf.shape[1:]]
        return tf.sparse.slice(leaf, [start] + [0] * (len(shape) - 1), shape)
    return leaf[start:stop]


def targets(y: Any) -> Any:
    """Targets as what NumPy reads: a tensor or column becomes an array.

    None, a dict and lists stay as they are; what is ragged, or no array at all, becomes None.
    """
    if y is None or isinstance(y, Mapping | list | tuple | np.ndarray):
        return y
    if hasattr(y, "to_numpy"):
        return y.to_numpy()
    try:
        return np.asarray(keras.ops.convert_to_numpy(y))
    except (TypeError, ValueError, AttributeError):
        return None


def parts(outputs: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested lists, tuples and dicts, with `.0`, `.key` as the way to each."""
    if isinstance(outputs, Mapping):
        for key, value in outputs.items():
            yield from parts(value, f"{prefix}.{key}")
    elif isinstance(outputs, list | tuple):
        for i, value in enumerate(outputs):
            yield from parts(value, f"{prefix}.{i}")
    elif outputs is not None:
        yield prefix, outputs


def name_of(layer: Any) -> str:
    """The layer's name; as Keras would name it where that is empty, which no tag can be.

    What cannot be encoded (half of a surrogate pair) is spelled out.
    """
    name = layer.name or _CAPITAL.sub("_", type(layer).__name__).lower()
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def is_array(value: Any) -> bool:
    """Whether it has a shape and a dtype, as tensors of every backend and NumPy arrays have."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def is_symbolic(value: Any) -> bool:
    """Whether it is a Keras placeholder, which has no values."""
    return isinstance(value, keras.KerasTensor)


def home_of(value: Any) -> Any:
    """The graph or trace that a tensor belongs to, None for a tensor that has its values."""
    if hasattr(value, "flat_values"):  # a ragged tensor
        value = value.flat_values
    if hasattr(value, "dense_shape"):  # a sparse one
        value = value.values
    graph = getattr(value, "graph", None)
    return graph if graph is not None else trace_of(value)


class TensorNotes:
    """Whether the channels stand first in every tensor that was seen, as long as it lives."""

    def __init__(self) -> None:
        self._notes: dict[int, tuple[Callable[[], Any], bool]] = {}

    def note(self, tensor: Any, channels_first: bool) -> None:
        try:
            reference: Callable[[], Any] = weakref.ref(tensor)
        except TypeError:  # kept alive instead, so that its id is not used again
            reference = functools.partial(_identity, tensor)
        self._notes[id(tensor)] = (reference, channels_first)

    def channels_first(self, tensor: Any) -> bool | None:
        """None for a tensor that was not seen."""
        reference, channels_first = self._notes.get(id(tensor), (lambda: None, None))
        return channels_first if reference() is tensor else None


def _identity(value: Any) -> Any:
    return value
