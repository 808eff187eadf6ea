"""Inspections of Keras models, remembered between calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tb_activations.training.attribution.memory import Key, Memory
from tb_activations.training.batch import leaves
from tb_activations.training.keras.changes import traits
from tb_activations.training.keras.inspection import Inspection
from tb_activations.training.keras.tensors import is_array, parts

_memory: Memory[Inspection] = Memory(traits)
recall = _memory.recall
remember_independent = _memory.remember_independent


def key_of(inputs: Any, output: str, function: Any, batch: int | None) -> Key | None:
    """What an inspection depends on beside the model; None where it cannot be remembered.

    A function that scores may look at anything, and inputs may be of a kind that has no shape.
    """
    arrays = leaves(inputs)
    if function is not None or not all(isinstance(one, np.ndarray) for one in arrays):
        return None
    names = [part for part, value in parts(inputs) if is_array(value)]
    shapes = [(one.shape[1:], one.dtype.str) for one in arrays]
    return (output, batch, tuple(names), tuple(shapes))


def remember(model: Any, key: Key | None, inspection: Inspection) -> None:
    """Without the watch, which holds the model itself."""
    _memory.remember(model, key, replace(inspection, watch=None))
