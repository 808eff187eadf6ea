"""What of a model and its inputs can be logged, found with one small pass.

The pass need not compute: shapes are all that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tb_activations.record.options import check_rank
from tb_activations.record.storage import check_dtype
from tb_activations.training.batch import Batch, Slices, span, uneven
from tb_activations.training.keras.fitting import fitting
from tb_activations.training.keras.forward import check, forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.returned import returned_by
from tb_activations.training.keras.rows import Rows
from tb_activations.training.keras.several import Several
from tb_activations.training.keras.tensors import cut, parts, tensor
from tb_activations.training.keras.watch import Watch
from tb_activations.training.plan import LayerPlan
from tb_activations.training.receptive import Input
from tb_activations.training.recorder import SLICE
from tb_activations.training.selection import Entry, Selection
from tb_activations.training.shapes import Refusal

Found = list[tuple[Entry, tuple[int, ...]]]
MakePlan = Callable[[Found], tuple[LayerPlan, ...]]


class Unknown(Exception):
    """A pass that builds a graph or trace cannot tell a shape, or which layers run."""


class Survey:
    """What one pass shows of the chosen entries: those that can be logged, each with its shape.

    Args:
      count: the examples in the pass.
      rows: tells how rows belong to examples, and keeps what is left out, and why.
    """

    def __init__(self, selection: Selection, count: int, rows: Rows) -> None:
        self._selection = selection
        self._count = count
        self._rows = rows
        self._seen: Found = []
        self._folded: Found = []
        self._single: dict[str, Any] = {}  # values of one row an example, by entry
        rows.left_out.clear()

    def note(self, entry: Entry, value: Any) -> Any:
        """Keeps an entry in mind; returns its value.

        Raises:
          ValueError: it was asked for, and cannot be logged.
          Unknown: its shape cannot be told.
        """
        if _shapeless(value):
            raise Unknown(f"the shape of {entry.name!r}")
        refusal = _refusal(value)
        if refusal:
            self._leave_out(entry, refusal)
        else:
            one_each = value.shape[0] == self._count
            if one_each and len(value.shape) == 2:
                self._single[entry.name] = value
            (self._seen if one_each else self._folded).append((entry, tuple(value.shape)))
        return value

    def finish(self, watch: Watch, model: Any, outputs: Any) -> Found:
        """What was found, in order, once the pass is over that returned `outputs`.

        What holds several rows an example is of the shape `(n, rows, …)`.

        Raises:
          ValueError: something that was asked for is not there or cannot be logged, or nothing is.
        """
        check(self._selection, watch, model)
        folds = self._rows.folds(entry.name for entry, _ in self._folded)
        for entry, shape in self._folded:
            fold = folds[entry.name]
            if isinstance(fold, str):
                self._leave_out(entry, fold)
            else:
                folded = replace(entry, fold=fold)
                self._seen.append((folded, fold.shape(shape, entry.channels_first)))
        if not self._seen:
            reasons = "".join(f"; {one}" for one in self._rows.described())
            raise ValueError(f"the model has no layer whose output can be logged{reasons}")
        returned, self._single = returned_by(outputs, self._single), {}
        found = [(replace(one, returned=returned.get(one.name)), s) for one, s in self._seen]
        return sorted(found, key=lambda pair: pair[0].order)

    def _leave_out(self, entry: Entry, why: str) -> None:
        if self._selection.explicit:
            raise Refusal(f"layer {entry.name!r} cannot be logged: {why}")
        self._rows.left_out[entry.name] = why


class Scout:
    """A survey made while a pass is traced, which is then planned before the trace goes on.

    Args:
      plan: the entries that can be logged, with their shapes → what is kept of them.
      rows: as `Survey` takes it.
    """

    def __init__(self, selection: Selection, count: int, plan: MakePlan, rows: Rows) -> None:
        self._survey = Survey(selection, count, rows)
        self._plan = plan
        self.wants = selection
        self.note = self._survey.note

    def choose(self, watch: Watch, model: Any, outputs: Any) -> tuple[LayerPlan, ...]:
        """Called where the forward pass is over."""
        return self._plan(self._survey.finish(watch, model, outputs))


def surveyed(model: Any, inputs: Any, selection: Selection, rows: Rows | None = None) -> Found:
    """The chosen entries and their shapes, from one plain pass; those that can be logged."""
    survey = Survey(selection, len(Batch(inputs)), rows or Rows(model, inputs))
    with (
        preserved(model, apart=True),
        watching(selection, keep=survey.note) as watch,
        fitting(model, inputs),
    ):
        outputs = forward(model, inputs)
    return survey.finish(watch, model, outputs)


def _shapeless(value: Any) -> bool:
    """Whether a graph does not know all sides of a tensor; a ragged one has none to know."""
    if hasattr(value, "flat_values") or hasattr(value, "dense_shape"):
        return False
    return getattr(value.shape, "rank", 0) is None or None in tuple(value.shape)


def _refusal(value: Any) -> str | None:
    """Why a layer's output cannot be logged, whatever its rows."""
    try:
        name = keras.backend.standardize_dtype(value.dtype)
        dtype = np.dtype(name) if name not in ("bfloat16",) and "float8" not in name else None
        if dtype is not None:
            check_dtype(dtype)
        check_rank(len(value.shape))
    except (TypeError, ValueError) as e:
        return str(e)
    if any(side is None or side == 0 for side in value.shape):
        return f"it returns {tuple(value.shape)}, which holds no values"
    return None


def loggable_inputs(inputs: Any) -> list[Input]:
    """The inputs that can be logged, under the tags `input`, `input.key`."""
    found, count = [], len(Batch(inputs))
    for part, leaf in parts(inputs):
        array = leaf if isinstance(leaf, np.ndarray) else _as_array(leaf)
        if array is None or len(array) != count or _refusal(array) is not None:
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
    if uneven(batch.inputs):
        return Slices(batch.inputs, max(len(batch), SLICE), cut, tensor)
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
