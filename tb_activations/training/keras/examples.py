"""The batch and the labels in what a Keras callback is given as `data`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tb_activations.training import examples as any_framework
from tb_activations.training.batch import Batch
from tb_activations.training.keras.tensors import cut, targets, to_numpy

ARRAYS = any_framework.Arrays(cut, targets, to_numpy)


def examples_of(
    data: Any, class_names: Sequence[str] | None = None, examples: str = "first"
) -> tuple[Batch, list[str] | None]:
    """As `training.examples.examples_of` has it."""
    return any_framework.examples_of(data, class_names, examples, ARRAYS)
