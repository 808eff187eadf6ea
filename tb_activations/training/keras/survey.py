"""What of a model and its inputs can be logged, found with one small pass.

The pass need not compute: shapes are all that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tb_activations.record.options import check_rank
from tb_activations.record.storage import check_dtype
from tb_activations.training.batch import Batch, Slices, span
from tb_activations.training.keras.forward import check, forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.several import Several
from tb_activations.training.keras.tensors import cut, parts, tensor
from tb_activations.training.keras.watch import Watch
from tb_activations.training.plan import LayerPlan
from tb_activations.training.receptive import Input
from tb_activations.training.recorder import SLICE
from tb_activations.training.selection import Entry, Selection

Found = list[tuple[Entry, tuple[int, ...]]]
MakePlan = Callable[[Found], tuple[LayerPlan, ...]]


class Unknown(Exception):
    """A pass that builds a graph or trace cannot tell a shape, or which layers run."""


class Survey:
    """What one pass shows of the chosen entries: those that can be logged, each with its shape.

    found: `(entry, shape)` in order, `(n, …)` as the layer returned it.
    """

    def __init__(self, selection: Selection, count: int) -> None:
        self.found: Found = []
        self.selection = selection
        self._count = count

    def note(self, entry: Entry, value: Any) -> Any:
        """Keeps an entry in mind; returns its value.

        Raises:
          ValueError: it was asked for, and cannot be logged.
          Unknown: its shape cannot be told.
        """
        if _shapeless(value):
            raise Unknown(f"the shape of {entry.name!r}")
        refusal = _refusal(value, self._count)
        if refusal and self.selection.explicit:
            raise ValueError(f"layer {entry.name!r} cannot be logged: {refusal}")
        if not refusal:
            self.found.append((entry, tuple(value.shape)))
        return value

    def finish(self, watch: Watch, model: Any) -> Found:
        """What was found, once the pass is over.

        Raises:
          ValueError: something that was asked for is not there, or nothing is.
        """
        check(self.selection, watch, model)
        if not self.found:
            raise ValueError("the model has no layer whose output can be logged")
        return self.found


class Scout:
    """A survey made while a pass is traced, which is then planned before the trace goes on.

    Args:
      plan: the entries that can be logged, with their shapes → what is kept of them.
    """

    def __init__(self, selection: Selection, count: int, plan: MakePlan) -> None:
        self._survey = Survey(selection, count)
        self._plan = plan
        self.wants = selection.wants
        self.note = self._survey.note

    def choose(self, watch: Watch, model: Any) -> tuple[LayerPlan, ...]:
        """Called where the forward pass is over."""
        return self._plan(self._survey.finish(watch, model))


def surveyed(model: Any, inputs: Any, selection: Selection) -> Found:
    """The chosen entries and their shapes, from one plain pass; those that can be logged."""
    survey = Survey(selection, len(Batch(inputs)))
    with preserved(model, apart=True), watching(selection.wants, keep=survey.note) as watch:
        forward(model, inputs)
    return survey.finish(watch, model)


def _shapeless(value: Any) -> bool:
    """Whether a graph does not know all sides of a tensor; a ragged one has none to know."""
    if hasattr(value, "flat_values") or hasattr(value, "dense_shape"):
        return False
    return getattr(value.shape, "rank", 0) is None or None in tuple(value.shape)


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
    models = model.models.values() if isinstance(model, Several) else [model]
    declared = [one for each in models for one in getattr(each, "inputs", None) or []]
    sizes = {one.shape[0] for one in declared if len(one.shape)}
    return next((size for size in sizes if size is not None), None)
