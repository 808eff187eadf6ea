"""Whether a model computes differently than when it was last looked at.

Between two calls of `fit` people add layers, freeze them, change a dtype policy, quantise, add LoRA
weights, swap an activation. A graph that was traced before shows none of it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tb_activations.training.keras.private import OF_TRACKING, OF_TRAINING, flattened

_DEPTH = 4  # containers in containers


def traits(model: Any) -> list[Any]:
    """What the model's computation depends on, but the values of its variables.

    The objects in it are held, so that no other one takes the place of one that is gone.
    """
    each = (trait for layer in flattened(model) for trait in _of_layer(layer, _ignored()))
    return [runs_eagerly(model), *each]


def runs_eagerly(model: Any) -> bool:
    """Whether its Python runs at every step of training, so that what that changes counts."""
    tf = sys.modules.get("tensorflow")
    asked = bool(getattr(model, "run_eagerly", False))
    return asked or (tf is not None and tf.config.functions_run_eagerly())


@functools.lru_cache(maxsize=1)
def _ignored() -> frozenset[str]:
    """Attributes that every model has; named, so that no later model gets another name."""
    return frozenset(vars(keras.Model(name="bare"))) | OF_TRAINING


def _of_layer(layer: Any, ignored: frozenset[str]) -> list[Any]:
    variables = [(variable, str(variable.dtype)) for variable in layer.variables]
    found = [layer, type(layer), layer.trainable, layer.built, repr(_policy(layer))]
    found += [trait for pair in variables for trait in pair]
    for name, value in sorted(vars(layer).items()):
        private = name.startswith(OF_TRACKING) or (name.startswith("_") and _is_keras(layer))
        if name not in ignored and not private:
            found += [name, *_of_value(value, _DEPTH)]
    return found


def _policy(layer: Any) -> Any:
    policy: Any = getattr(layer, "dtype_policy", None)
    return policy.get_config() if hasattr(policy, "get_config") else policy


def _is_keras(layer: Any) -> bool:
    return type(layer).__module__.partition(".")[0] == "keras"


def _of_value(value: Any, depth: int) -> list[Any]:
    if isinstance(value, np.ndarray):
        return [value, "" if value.dtype.hasobject else hash(value.tobytes())]
    if not depth or isinstance(value, keras.Variable) or _is_tensorflow_variable(value):
        return [value]
    if isinstance(value, Mapping):
        pairs = [(str(key), one) for key, one in value.items()]
        return [len(pairs), *(t for k, one in pairs for t in (k, *_of_value(one, depth - 1)))]
    if isinstance(value, list | tuple | set | frozenset):
        return [len(value), *(t for one in value for t in _of_value(one, depth - 1))]
    if hasattr(value, "get_config") and not isinstance(value, keras.Layer):
        return [type(value)]  # an initializer, a regulariser: made anew by a property
    return [value]


def _is_tensorflow_variable(value: Any) -> bool:
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(value, tf.Variable)
