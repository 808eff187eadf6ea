"""Which framework a model is of: asks the rooms of those that are loaded, and imports one.

A Keras model on the PyTorch backend is an `nn.Module` too: Keras is asked first.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from tb_activations.training.dry_run import DryRun
from tb_activations.training.watched import Watched, Wishes

_TORCH_ALONE = ("data_format", "functions", "forward", "autocast", "input_scale")


def capture(model: Any, x: Any, layers: Any = None, **options: Any) -> dict[str, np.ndarray]:
    """The outputs of the layers of `model` for the batch `x`, from one forward pass.

    Args:
      model: an `nn.Module` of any kind, compiled or wrapped as it may be; or a Keras model or
        layer. A Keras model that was never called is built, as its first call would.
      x: the inputs as the model takes them (an array, or a list, tuple or dict of them); (x, y);
        or a dataset, loader, generator or Keras sequence, whose first batch is taken.
      layers: a name, glob, layer object, layer class or predicate over layers, or a list of
        them; None for every layer whose values no other entry shows. See
        `tb_activations.training.selection`.
      options: of PyTorch models `functions`, `forward` and `autocast`, as `ActivationsLogger`
        takes them.

    Returns:
      {name: array}, in the order of execution. Arrays are as the layer returns them, `[n, …]`, in
      its dtype; ragged and sparse ones are made dense, bfloat16 and float8 become float32.

    Raises:
      ValueError: a layer that the model does not have, or that runs inside a loop; x that the
        model does not take; a PyTorch model with lazy modules that have not run, or on the meta
        device.
      TypeError: `model` is of no framework that is loaded; an option that there is not.
    """
    if is_torch(model):
        from tb_activations.training.torch.capture import capture as of_torch

        return of_torch(model, x, layers, **options)
    _refuse(options)
    _check_any(model)
    from tb_activations.training.keras.capture import capture as of_keras

    return of_keras(model, x, layers)


def loader(model: Any) -> Any:
    """Of an `nn.Module`, what loads saved weights and puts back those that it has."""
    from tb_activations.training.torch.checkpoints import Weights

    return Weights(model)


def keras_check(model: Any, data: Any, layers: Any, options: dict[str, Any]) -> DryRun:
    """`check` of a Keras model."""
    if not isinstance(model, Mapping):  # several at once, which Keras' room knows
        _check_any(model)
    from tb_activations.training.keras.dry_run import check

    return check(model, data, layers, **options)


def keras_log_checkpoints(*given: Any, **options: Any) -> dict[int, str]:
    """`log_checkpoints` of a Keras model."""
    _check_any(given[1])
    from tb_activations.training.keras.checkpoints import log_checkpoints

    return log_checkpoints(*given, **options)


def watched(model: Any, data: Any, wishes: Wishes) -> Watched:
    """The model and its data, as a logger sees them.

    Raises:
      TypeError: no framework that is loaded knows the model, or a wish is another framework's.
      DataError: see `training.examples.examples_of`.
    """
    if is_torch(model):
        from tb_activations.training.torch.watched import WatchedModule

        return WatchedModule(model, data, wishes)
    default = Wishes()
    _refuse({k: getattr(wishes, k) for k in _TORCH_ALONE}, vars(default))
    _check_any(model)
    from tb_activations.training.keras.watched import WatchedModel

    return WatchedModel(model, data, wishes)


def explained(model: Any, inputs: Any, **asked: Any) -> Any:
    """The model as attributions see it, an `attribution.framework.Explained`.

    Args:
      asked: output ("logit" or "probability") and function (of the outputs, or None).

    Raises:
      TypeError: no framework that is loaded knows the model.
    """
    if is_torch(model):
        from tb_activations.training.torch.gradients import TorchExplained

        return TorchExplained(model, inputs, **asked)
    _check_any(model)
    if "keras" in sys.modules:
        from tb_activations.training.keras.gradients import KerasExplained

        return KerasExplained(model, inputs, **asked)
    raise TypeError(f"model is a {type(model).__name__}; it must be a Keras model or layer")


def is_torch(model: Any) -> bool:
    """Whether it is an `nn.Module` and no Keras model."""
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if keras is not None and isinstance(model, getattr(keras, "Layer", ())):
        return False
    return torch is not None and isinstance(model, torch.nn.Module)


def torch_models(models: Any) -> dict[str, Any] | None:
    """Several `nn.Module`s by name, those of a list by their places; None of anything else."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    if isinstance(models, torch.nn.ModuleDict | Mapping):
        found = dict(models.items())
    elif isinstance(models, torch.nn.ModuleList | list | tuple):
        found = {str(i): one for i, one in enumerate(models)}
    else:
        return None
    return found if found and all(is_torch(one) for one in found.values()) else None


def _check_any(model: Any) -> None:
    """Refuses what is of no framework, where one other than Keras is there, too."""
    known = ("keras", "tf_keras", "tensorflow")
    roots = {one.__module__.partition(".")[0] for one in type(model).__mro__}
    if "torch" not in sys.modules or roots.intersection(known):
        return
    raise TypeError(
        f"model is a {type(model).__name__}; it must be a Keras model or layer, or a "
        "torch.nn.Module"
    )


def _refuse(options: Mapping[str, Any], default: Mapping[str, Any] | None = None) -> None:
    """Refuses options of PyTorch models for another one."""
    for name, value in options.items():
        if default is not None and value is default[name]:
            continue
        if name not in _TORCH_ALONE:
            raise TypeError(f"there is no argument {name!r} here")
        raise TypeError(f"{name} is for PyTorch models alone; this one is of Keras")
