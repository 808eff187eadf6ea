"""What a forward pass may move beside Keras' own variables, and puts back.

Layers hold, themselves, in lists, dicts and objects of their own: variables of TensorFlow,
generators of random numbers, arrays, and plain attributes such as counters. Keras' variables, seed
generators and metrics are not touched: a `StatelessScope` drops what is assigned to them.
"""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tb_activations.training.keras.private import flattened, global_generator, is_keras_variable

Restore = Callable[[], None]

_LIBRARIES = frozenset({"keras", "tensorflow", "numpy", "jax", "jaxlib", "torch"})
_LIBRARIES |= sys.stdlib_module_names
_OBJECTS = 10_000  # are looked into at most
_ARRAY_BYTES = 16 << 20  # larger ones are tables, which no pass moves, and are not copied


def noted_state(model: Any) -> list[Restore]:
    """Notes what the layers hold; each of what is returned puts a part of it back."""
    restores: list[Restore] = []
    for one in _held(model):
        restore = _restore_of(one)
        if restore is not None:
            restores.append(restore)
    return restores


def _held(model: Any) -> Iterator[Any]:
    """Everything that can be moved and is reached from the model, each once."""
    layers = flattened(model)
    seen: set[int] = set()
    waiting: list[Any] = [global_generator()] if "tensorflow" in sys.modules else []
    for layer in layers:
        waiting += _attributes_of_layer(layer)
        if not _is_library(layer):
            yield layer
    seen.update(id(layer) for layer in layers)
    while waiting and len(seen) < _OBJECTS:
        one = waiting.pop()
        if one is None or id(one) in seen or isinstance(one, str | bytes | int | float | type):
            continue
        seen.add(id(one))
        if isinstance(one, Mapping):
            waiting += list(one.values())
        elif isinstance(one, list | tuple | set | frozenset | deque):
            waiting += list(one)
        elif _is_users(one):
            waiting += list(vars(one).values())
        yield one


def _attributes_of_layer(layer: Any) -> list[Any]:
    """What a layer holds; of one of Keras' own, what users may have hung onto it."""
    if _is_library(layer):
        return [value for value in vars(layer).values() if _is_tensorflow_state(value)]
    return list(vars(layer).values())


def _is_library(one: Any) -> bool:
    return type(one).__module__.partition(".")[0] in _LIBRARIES


def _restore_of(one: Any) -> Restore | None:
    """How one thing is put back as it is now, None for what cannot move."""
    if is_keras_variable(one):
        return None
    if _is_tensorflow_state(one):
        return _tensorflow_restore(one)
    if isinstance(one, np.random.Generator):
        bits, state = one.bit_generator, one.bit_generator.state
        return lambda: setattr(bits, "state", state)
    if isinstance(one, np.random.RandomState):
        numpy_state = one.get_state()
        return lambda: one.set_state(numpy_state)
    if isinstance(one, random.Random):
        python_state = one.getstate()
        return lambda: one.setstate(python_state)
    if isinstance(one, np.ndarray):
        return _array_restore(one)
    if isinstance(one, list):
        return _list_restore(one)
    if isinstance(one, dict):
        return _dict_restore(one)
    if isinstance(one, deque):
        return _deque_restore(one)
    return _dict_restore(vars(one)) if _is_users(one) else None


def _is_users(one: Any) -> bool:
    """Whether it is an object of a class that users wrote, layers among them."""
    return hasattr(one, "__dict__") and not _is_library(one) and not isinstance(one, type)


def _array_restore(array: np.ndarray) -> Restore | None:
    if not array.flags.writeable or array.dtype.hasobject or array.nbytes > _ARRAY_BYTES:
        return None
    before = array.copy()

    def restore() -> None:
        array[...] = before

    return restore


def _list_restore(held: list) -> Restore:
    before = list(held)

    def restore() -> None:  # past what a tracked list does for each change
        if len(held) != len(before) or any(a is not b for a, b in zip(held, before, strict=True)):
            list.__setitem__(held, slice(None), before)

    return restore


def _deque_restore(held: deque) -> Restore:
    before = list(held)

    def restore() -> None:
        held.clear()
        held.extend(before)

    return restore


def _dict_restore(held: dict) -> Restore:
    before = dict(held)

    def restore() -> None:  # past what a layer or a tracked dict does for each change
        for key in [key for key in held if key not in before]:
            dict.__delitem__(held, key)
        for key, value in before.items():
            if key not in held or held[key] is not value:
                dict.__setitem__(held, key, value)

    return restore


def _is_tensorflow_state(value: Any) -> bool:
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(value, tf.Variable | tf.random.Generator)


def _tensorflow_restore(one: Any) -> Restore:
    variable = one.state if hasattr(one, "make_seeds") else one
    value = variable.numpy()
    return lambda: variable.assign(value)
