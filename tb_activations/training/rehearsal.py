"""`check`: what would be logged of a model, found by logging it for nothing."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from typing import Any

from tb_activations.training import frameworks
from tb_activations.training.dry_run import DryRun, rehearsed
from tb_activations.training.logger import ActivationsLogger


def check(model: Any, data: Any, layers: Any = None, **options: Any) -> DryRun:
    """Prints what would be logged of `model`, and returns it; nothing is kept.

    Two updates are made in a temporary directory, of which the second is measured: compilation and
    the inputs, which come once, are not in its figures, and neither are the receptive fields.
    A Keras model is built where it was not; the model is otherwise as it was before.

    Args:
      model: an `nn.Module`; or a Keras model or layer, or a dict of these by name, with data by
        the same names; it need not be compiled.
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
    if not frameworks.is_torch(model):
        return frameworks.keras_check(model, data, layers, {**options, "verbose": verbose})
    with tempfile.TemporaryDirectory(prefix="tb_activations_") as directory:
        quiet = {**options, "verbose": 0, "receptive_fields": False}
        result = _Rehearsal(directory, model, data, layers, **quiet).result()
    if verbose:
        print(result)
    return result


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
