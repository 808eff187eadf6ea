"""Which weights each layer of a Keras model has of its own, in the order of execution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tb_activations.training.attribution.framework import LayerWeights
from tb_activations.training.keras.private import flattened
from tb_activations.training.keras.tensors import to_numpy
from tb_activations.training.selection import Entry


def layer_weights(model: Any, entries: Sequence[Entry]) -> list[LayerWeights]:
    """Of every layer that ran, a shared one at its last call; what is left is the model's own.

    A weight is that of the innermost layer around it that ran by itself. Integers and the figures
    of `Normalization`, which come from data, are none.
    """
    ran = [one for one in entries if not one.aside and _has_weights(one.layer)]
    last = {id(one.layer): one for one in ran}
    first = {id(one.layer): one.place.path() for one in reversed(ran)}
    layers = sorted((one.layer for one in last.values()), key=lambda one: len(flattened(one)))
    left = {id(one): one for one in _weights(model)}
    found: dict[int, list[Any]] = {}
    for layer in layers:
        mine = {id(one): one for one in _weights(layer) if id(one) in left}
        found[id(layer)] = list(mine.values())
        left = {key: one for key, one in left.items() if key not in mine}
    ordered = sorted(layers, key=lambda one: last[id(one)].order)
    own = [_of(model.name, list(left.values()))] if left else []
    return own + [_of(first[id(one)], found[id(one)]) for one in ordered if found[id(one)]]


def _has_weights(layer: Any) -> bool:
    return isinstance(layer, keras.Layer) and bool(layer.weights)


def _weights(layer: Any) -> list[Any]:
    """Floating point ones that training, or loading, has set."""
    given = [one for one in flattened(layer) if isinstance(one, keras.layers.Normalization)]
    skipped = {id(weight) for one in given for weight in one.weights}
    return [
        one
        for one in layer.weights
        if id(one) not in skipped and "float" in keras.backend.standardize_dtype(one.dtype)
    ]


def _of(name: str, variables: list[Any]) -> LayerWeights:
    def read() -> list[np.ndarray]:
        return [np.array(to_numpy(one.value)) for one in variables]

    def write(arrays: Sequence[np.ndarray]) -> None:
        for one, array in zip(variables, arrays, strict=True):
            one.assign(array)

    return LayerWeights(name, read, write)
