"""`log_checkpoints`: the activations of saved weights, for a training that is over."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from tb_activations.training import frameworks
from tb_activations.training.checkpoints import saved_steps
from tb_activations.training.logger import ActivationsLogger


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

    All that the model holds is put back afterwards: weights, buffers, optimizer, metrics; after
    an exception too.

    Args:
      log_dir: the run's directory.
      model: of the architecture that was saved; a Keras model need not be compiled.
      paths: a list of files, or one file or glob. Of a Keras model `.weights.h5`, `.keras`,
        `.h5`, or the prefix of a TensorFlow checkpoint (what stands before `.index`) of this
        model. Of an `nn.Module` what `torch.save` wrote of a state dict, or of a dict that holds
        one as `state_dict`, `model_state_dict` or `model`; or `.safetensors`.
      data, layers, options: as `ActivationsLogger`, or for Keras `ActivationsCallback`, takes
        them, but `update_freq`.
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
    if not frameworks.is_torch(model):
        return frameworks.keras_log_checkpoints(
            log_dir, model, paths, data, layers, steps=steps, **options
        )
    if "update_freq" in options:
        raise TypeError("log_checkpoints takes no update_freq: there is one update a file")
    saved = saved_steps(paths, steps)
    weights = frameworks.loader(model)
    logger = ActivationsLogger(log_dir, model, data, layers, **options)
    try:
        with weights.put_back():
            for one in saved:
                weights.load(one.path)
                logger.record(one.step)
    finally:
        logger.close()
    return {one.step: one.path for one in saved}
