"""`log_checkpoints`: the activations of saved weights, for a training that is over."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from tb_activations.training.checkpoints import Saved, saved_steps
from tb_activations.training.keras.callback import ActivationsCallback
from tb_activations.training.keras.tensors import to_numpy

_CONTINUE = "name the files that follow, with their steps"


def log_checkpoints(
    log_dir: str | os.PathLike[str],
    model: Any,
    paths: Any,
    data: Any,
    layers: Any = None,
    *,
    steps: Iterable[int] | None = None,
    **options: Any,
) -> dict[int, str]:
    """Logs what `model` answers to `data` with each of the saved weights, one step a file.

    All that the model holds is put back afterwards: weights, optimizer, metrics; after an
    exception too.

    Args:
      log_dir: the run's directory.
      model: a Keras model of the architecture that was saved; it need not be compiled.
      paths: a list of files, or one file or glob: `.weights.h5`, `.keras`, `.h5`, or the prefix of
        a TensorFlow checkpoint (what stands before `.index`) of this model.
      data, layers, options: as `ActivationsCallback` takes them, but `update_freq`.
      steps: one a file. None for the number in the name where every name has one that tells it
        from the others (`epoch_07-loss_0.31.keras` is 7), else for positions, from 0. Files are
        logged in the order of their steps.

    Returns:
      {step: path} of what was logged.

    Raises:
      FileNotFoundError: a file is not there. What was logged before it stays.
      ValueError: its weights do not fit the model, likewise; or a bad argument, before anything is
        logged.
    """
    if "update_freq" in options:
        raise TypeError("log_checkpoints takes no update_freq: there is one update a file")
    saved = saved_steps(paths, steps)
    logger = _Logger(log_dir, data, layers, **options)
    logger.log(model, saved)
    return {one.step: one.path for one in saved}


class _Logger(ActivationsCallback):
    """Makes updates of weights that are loaded for each."""

    def log(self, model: Any, saved: Sequence[Saved]) -> None:
        self._prepare(model)
        try:
            with _put_back(model):
                for one in saved:
                    _load(model, one.path)
                    self._record(one.step)
        finally:
            self._recorder.close()

    def _record(self, step: int) -> None:
        if self._recorder.step is None:
            self._recorder.start(step, _CONTINUE)
        else:
            self._recorder.update(step)


@contextmanager
def _put_back(model: Any) -> Iterator[None]:
    """Leaves every variable of the model as it is now, the optimizer's among them."""
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *getattr(optimizer, "variables", ())]
    before = [(variable, np.array(to_numpy(variable.value))) for variable in variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _load(model: Any, path: str) -> None:
    """Raises FileNotFoundError or ValueError, a sentence that names the file."""
    is_checkpoint = os.path.exists(f"{path}.index")
    if not is_checkpoint and not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}; what was logged before it stays")
    try:
        if is_checkpoint:
            _restore(model, path)
        else:
            _load_file(model, path)
    except Exception as e:
        reason = " ".join(str(e).split())[:400]
        raise ValueError(
            f"the weights in {path} cannot be loaded into model {model.name!r}: {reason}; what was "
            "logged before it stays"
        ) from e


def _load_file(model: Any, path: str) -> None:
    with warnings.catch_warnings():
        # The optimizer's state is of no interest here.
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        model.load_weights(path)


def _restore(model: Any, path: str) -> None:
    """Reads a TensorFlow checkpoint, whatever the model was called in it."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError("it is a TensorFlow checkpoint, which Keras on TensorFlow alone can read")
    import tensorflow as tf

    keys = tf.train.load_checkpoint(path).get_variable_to_shape_map()
    tops = sorted({key.partition("/")[0] for key in keys if "/" in key})
    missing: list[str] = []
    with _without_optimizer(model):
        for top in (*tops, None):
            missing = _read(model, path, top)
            if not missing:
                return
    raise ValueError(f"it holds no values for {', '.join(map(repr, missing[:5]))}")


def _read(model: Any, path: str, top: str | None) -> list[str]:
    """Reads the checkpoint's object `top`, None for its root; the weights that it has not.

    A weight is found to be missing by filling it with one value, then with another: what a
    checkpoint does not hold is then left as it was filled.
    """
    import tensorflow as tf

    weights, missing = list(model.weights), list(model.weights)
    for fill in (0, 1):
        for weight in weights:
            weight.assign(keras.ops.full_like(weight.value, fill))
        checkpoint = tf.train.Checkpoint(model) if top is None else tf.train.Checkpoint()
        if top is not None:
            setattr(checkpoint, top, model)
        checkpoint.read(path).expect_partial()
        missing = [weight for weight in missing if np.all(to_numpy(weight.value) == fill)]
    return [weight.path for weight in missing]


@contextmanager
def _without_optimizer(model: Any) -> Iterator[None]:
    """Its state would have to fit too, and need not: another one may have trained."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        yield
        return
    model.optimizer = None
    try:
        yield
    finally:
        model.optimizer = optimizer
