"""`check`: what the callback would log of a Keras model, found by logging it for nothing."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tb_activations.training.batch import Batch
from tb_activations.training.dry_run import DryRun, LeftOut, rehearsed, why_not
from tb_activations.training.keras.callback import ActivationsCallback
from tb_activations.training.keras.forward import forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.private import flattened
from tb_activations.training.keras.rearranging import rearranges
from tb_activations.training.keras.watch import Watch
from tb_activations.training.selection import Entry

_QUIET = {"verbose": 0, "receptive_fields": False}


def check(model: Any, data: Any, layers: Any = None, **options: Any) -> DryRun:
    """Prints what `ActivationsCallback` would log of `model`, and returns it; nothing is kept.

    Two updates are made in a temporary directory, of which the second is measured: compilation and
    the inputs, which come once, are not in its figures, and neither are the receptive fields.
    The model is built where it was not, and is otherwise as it was before.

    Args:
      model: a Keras model or layer, or a dict of these by name, with data by the same names; it
        need not be compiled.
      data, layers, options: as `ActivationsCallback` takes them. `verbose=0` prints nothing.

    Returns:
      A `DryRun`: the layers that would be kept, with the shape of all that each returns, the
      examples and channels kept and the bytes of its record; those left out, with reasons (none
      where `layers` says which are wanted); the bytes and seconds of an update.

    Raises:
      ValueError, TypeError: what `ActivationsCallback` and `fit` with it would raise.
    """
    verbose = options.pop("verbose", 1)
    several = {"model": model} if isinstance(model, Mapping) else {}
    with tempfile.TemporaryDirectory(prefix="tb_activations_") as directory:
        given = {**options, **_QUIET, **several}
        return _Rehearsal(directory, data, layers, **given).of(model).shown(verbose)


class _Rehearsal(ActivationsCallback):
    """Makes updates without a training."""

    def of(self, model: Any) -> DryRun:
        try:
            self._prepare(model)
            self._recorder.start(0, "")
            self._recorder.flush()
            started = time.perf_counter()
            self._recorder.update(1)
            waited = time.perf_counter()
            self._recorder.flush()
            ended = time.perf_counter()
            self._recorder.end_epoch(1)
            explaining = time.perf_counter() - ended
        finally:
            self._recorder.close()
        result = rehearsed(self.log_dir, 1, waited - started, ended - waited)
        if result.attributions:
            result = replace(result, explaining=explaining)
        if self._selection.explicit:
            return result
        return replace(result, left_out=tuple(self._left_out({one.name for one in result.kept})))

    def _left_out(self, kept: set[str]) -> list[LeftOut]:
        """All of the model that has no record, in the order of execution."""
        reasons: list[LeftOut] = []
        inputs = next(iter(self._recorder.probe.slices))
        count = len(Batch(inputs))

        def note(entry: Entry, value: Any) -> None:
            if entry.name not in kept:
                reasons.append(_reason(entry, value, count))

        with preserved(self._watched), watching(_plain, keep=note) as watch:
            forward(self._watched, inputs)
        return [*reasons, *_unseen(self._watched, watch)]


def _plain(entry: Entry) -> bool:
    """Whether it is one that is there without being asked for by name."""
    return not entry.aside


def _reason(entry: Entry, value: Any, count: int) -> LeftOut:
    """Why this entry, which ran and has values, has no record."""
    if not entry.fresh:
        shown = "its input's, rearranged" if rearranges(entry.layer) else "those of another layer"
        return LeftOut(entry.name, f"its values are {shown}; ask for it by name to see it")
    name = keras.backend.standardize_dtype(value.dtype)
    dtype = None if name == "bfloat16" or "float8" in name else np.dtype(name)
    general = LeftOut(entry.name, "it cannot be logged beside the others; ask for it by name")
    return why_not(entry.name, dtype, value.shape, count) or general


def _unseen(model: Any, watch: Watch) -> Iterator[LeftOut]:
    """The layers that run inside of others' loops, and those that do not run."""
    hidden = {one.place.path(): one for one in watch.hidden}
    for name, one in hidden.items():
        yield LeftOut(name, f"it runs inside a loop of {one.outer.path()!r}, which stands for it")
    known = watch.ran | {id(one.layer) for one in watch.hidden}
    for layer in flattened(model):
        if id(layer) not in known and not isinstance(layer, keras.layers.InputLayer):
            yield LeftOut(layer.name, "it does not run in a forward pass")
