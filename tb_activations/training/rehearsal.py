"""`check`: what would be logged of a model, found by logging it for nothing."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tb_activations.training import frameworks
from tb_activations.training.dry_run import DryRun, rehearsed, together
from tb_activations.training.logger import ActivationsLogger


def check(model: Any, data: Any, layers: Any = None, **options: Any) -> DryRun:
    """Prints what would be logged of `model`, and returns it; nothing is kept.

    Two updates are made in a temporary directory, of which the second is measured: compilation and
    the inputs, which come once, are not in its figures, and neither are the receptive fields.
    A Keras model is built where it was not; the model is otherwise as it was before.

    Args:
      model: an `nn.Module`; or a Keras model or layer, which need not be compiled; or a dict of
        models of one framework by name, with data by the same names. Of PyTorch's also a list, an
        `nn.ModuleDict` or `nn.ModuleList`, each with a logger of its own: names are 0, 1, ….
      data, layers, options: as `ActivationsLogger`, or for Keras `ActivationsCallback`, takes
        them. `verbose=0` prints nothing.

    Returns:
      A `DryRun`: the layers that would be kept, with the shape of all that each returns, the
      examples and channels kept and the bytes of its record; those left out, with reasons (none
      where `layers` says which are wanted); the bytes and seconds of an update.

    Raises:
      ValueError, TypeError: what logging with it would raise.
    """
    verbose = options.pop("verbose", 1)
    several = frameworks.torch_models(model)
    if several is not None:
        return _each(several, data, layers, {**options, "verbose": 0}).shown(verbose)
    if not frameworks.is_torch(model):
        return frameworks.keras_check(model, data, layers, {**options, "verbose": verbose})
    with tempfile.TemporaryDirectory(prefix="tb_activations_") as directory:
        quiet = {**options, "verbose": 0, "receptive_fields": False}
        return _Rehearsal(directory, model, data, layers, **quiet).result().shown(verbose)


def _each(models: Mapping[str, Any], data: Any, layers: Any, options: Mapping[str, Any]) -> DryRun:
    """Of several modules, each by itself."""
    if isinstance(data, Sequence) and not isinstance(data, str) and len(data) == len(models):
        data = dict(zip(models, data, strict=True))
    if not isinstance(data, Mapping) or set(data) != set(models):
        given = sorted(map(str, data)) if isinstance(data, Mapping) else type(data).__name__
        raise ValueError(
            f"data is {given}; of several models it must hold the data of each: {sorted(models)}"
        )
    return together(
        {name: check(one, data[name], layers, **options) for name, one in models.items()}
    )


class _Rehearsal(ActivationsLogger):
    """Makes updates without a training."""

    def result(self) -> DryRun:
        try:
            self.step(step=0)
            self.flush()
            started = time.perf_counter()
            self.record(1)
            waited = time.perf_counter()
            self.flush()
            ended = time.perf_counter()
        finally:
            self.close()
        found = rehearsed(self.log_dir, 1, waited - started, ended - waited)
        kept = {one.name for one in found.kept}
        return replace(found, left_out=tuple(self._watched.left_out(kept)))
