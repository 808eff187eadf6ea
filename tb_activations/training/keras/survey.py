"""What of a model and its inputs can be logged, found with one small plain pass."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tb_activations.record.options import check_rank
from tb_activations.record.storage import check_dtype
from tb_activations.training.batch import Batch, Slices, span
from tb_activations.training.keras.forward import check, forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.tensors import cut, parts, tensor
from tb_activations.training.receptive import Input
from tb_activations.training.recorder import SLICE
from tb_activations.training.selection import Entry, Selection


def surveyed(model: Any, inputs: Any, selection: Selection) -> list[tuple[Entry, tuple[int, ...]]]:
    """The chosen entries and their shapes, from one plain pass; those that can be logged."""
    seen: list[tuple[Entry, tuple[int, ...]]] = []
    count = len(Batch(inputs))

    def note(entry: Entry, value: Any) -> None:
        refusal = _refusal(value, count)
        if refusal and selection.explicit:
            raise ValueError(f"layer {entry.name!r} cannot be logged: {refusal}")
        if not refusal:
            seen.append((entry, tuple(value.shape)))

    with preserved(model), watching(selection.wants, keep=note) as watch:
        forward(model, inputs)
    check(selection, watch, model)
    if not seen:
        raise ValueError("the model has no layer whose output can be logged")
    return seen


def _refusal(value: Any, count: int) -> str | None:
    """Why a layer's output cannot be logged."""
    try:
        name = keras.backend.standardize_dtype(value.dtype)
        dtype = np.dtype(name) if name not in ("bfloat16",) and "float8" not in name else None
        if dtype is not None:
            check_dtype(dtype)
        check_rank(len(value.shape))
    except (TypeError, ValueError) as e:
        return str(e)
    if value.shape[0] != count:
        return f"it returns {tuple(value.shape)} for {count} examples"
    if any(side is None or side == 0 for side in value.shape):
        return f"it returns {tuple(value.shape)}, which holds no values"
    return None


def loggable_inputs(inputs: Any) -> list[Input]:
    """The inputs that can be logged, under the tags `input`, `input.key`."""
    found = []
    for part, leaf in parts(inputs):
        array = leaf if isinstance(leaf, np.ndarray) else _as_array(leaf)
        if array is None or _refusal(array, len(array)) is not None:
            continue
        found.append(Input(f"input{part}", array))
    return found


def _as_array(leaf: Any) -> np.ndarray | None:
    try:
        return np.asarray(keras.ops.convert_to_numpy(leaf))
    except Exception:  # ragged, sparse or of strings: shown by the layers that take it
        return None


def sliced(model: Any, batch: Batch) -> Slices:
    """The batch in slices; whole ones where the model takes one size of batch alone.

    Raises:
      ValueError: fewer examples than such a model takes.
    """
    size = fixed_batch(model)
    if size is None:
        return Slices(batch.inputs, SLICE, cut, tensor)
    if len(batch) < size:
        raise ValueError(f"data holds {len(batch)} examples; the model takes batches of {size}")
    whole = len(batch) // size * size
    return Slices(span(batch.inputs, 0, whole, cut), size, cut, tensor)


def fixed_batch(model: Any) -> int | None:
    """The size of batch that the model was declared with, such as a stateful RNN's."""
    declared = getattr(model, "inputs", None) or []
    sizes = {one.shape[0] for one in declared if len(one.shape)}
    return next((size for size in sizes if size is not None), None)
