"""The forward pass that everything here makes: which arguments a model takes, and the call."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from tb_activations.training.batch import mapped
from tb_activations.training.torch.images import Images
from tb_activations.training.torch.names import unwrapped
from tb_activations.training.torch.private import is_uninitialized, packs
from tb_activations.training.torch.state import device_of

LABELS = ("labels", "label", "targets", "target")
Forward = Callable[[nn.Module, Any], Any]


def check_model(model: Any) -> None:
    """Refuses what cannot run.

    Raises:
      TypeError: no module. ValueError: weights without values, or that are not there yet.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; it must be a torch.nn.Module")
    for name, one in (*model.named_parameters(), *model.named_buffers()):
        if is_uninitialized(one):
            raise ValueError(
                f"model has lazy modules that have not run yet ({name!r} has no shape): run one "
                "batch through it first"
            )
        if one.is_meta:
            raise ValueError(
                f"model has {name!r} on the meta device, without values: load or initialise its "
                "weights first"
            )


@dataclass(frozen=True)
class Taken:
    """How a model's `forward` takes inputs.

    required: positional arguments without a default. names: of all, in order. more: whether it
    takes others by name.
    """

    required: tuple[str, ...]
    names: tuple[str, ...]
    more: bool

    @property
    def several(self) -> bool:
        return len(self.required) > 1

    def by_name(self, inputs: Any) -> dict[str, Any] | None:
        """The members of a dict that are arguments; None where the dict is the argument."""
        if not isinstance(inputs, Mapping) or not all(isinstance(key, str) for key in inputs):
            return None
        known = {key: inputs[key] for key in inputs if key in self.names or self.more}
        return known if any(key in self.names for key in inputs) else None


def taken(model: nn.Module) -> Taken:
    """Of the model's own `forward`, whatever wraps it."""
    try:
        parameters = list(inspect.signature(unwrapped(model).forward).parameters.values())
    except (TypeError, ValueError):  # a ScriptModule may have none
        return Taken(("input",), ("input",), False)
    named = [one for one in parameters if one.kind in (0, 1, 3)]
    required = [one.name for one in named if one.default is one.empty and one.kind != 3]
    more = any(one.kind == one.VAR_KEYWORD for one in parameters)
    return Taken(tuple(required), tuple(one.name for one in named), more)


def forward(model: nn.Module, inputs: Any) -> Any:
    """Calls the model: a tuple is its arguments, a dict its arguments by name."""
    with _LengthsOnHost() if _packs(model) else contextlib.nullcontext():
        return _call(model, inputs)


def _call(model: nn.Module, inputs: Any) -> Any:
    inner = _local(model)
    inputs = mapped(lambda leaf: _usual(leaf.images if isinstance(leaf, Images) else leaf), inputs)
    if isinstance(inputs, tuple):
        return inner(*inputs)
    by_name = taken(model).by_name(inputs)
    return inner(inputs) if by_name is None else inner(**by_name)


class _LengthsOnHost(TorchFunctionMode):
    """Packs sequences by lengths on the host: a loop leaves them there, `Placed` does not."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if packs(func) and len(args) > 1:
            args = (args[0], args[1].cpu(), *args[2:])
        return func(*args, **(kwargs or {}))


def _packs(model: nn.Module) -> bool:
    return device_of(model).type != "cpu" and any(
        isinstance(m, nn.RNNBase) for m in model.modules()
    )


def _usual(leaf: Any) -> Any:
    """A copy of what was made in inference mode: outside of it a model may not write into that."""
    if isinstance(leaf, torch.Tensor) and leaf.is_inference():
        return leaf if torch.is_inference_mode_enabled() else leaf.clone()
    return [_usual(one) for one in leaf] if isinstance(leaf, list) else leaf


def _local(model: nn.Module) -> nn.Module:
    """Without what would talk to other processes or devices, though the pass is this one's."""
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return _local(model.module)
    return model


class Placed:
    """Makes of an input what the model takes: on its device, and in the dtype of its weights."""

    def __init__(self, model: nn.Module) -> None:
        self._device = device_of(model)
        dtypes = {one.dtype for one in model.parameters() if one.dtype.is_floating_point}
        self._dtypes = dtypes
        self._dtype = next(
            (one.dtype for one in model.parameters() if one.dtype.is_floating_point), None
        )

    def __call__(self, leaf: Any) -> Any:
        """One input; what is no array of numbers stays as it is."""
        if isinstance(leaf, Images):
            return Images([self(one) for one in leaf.images])
        if not isinstance(leaf, torch.Tensor):
            if getattr(leaf, "dtype", None) is None or leaf.dtype.kind not in "fiub":
                return leaf
            leaf = torch.as_tensor(leaf)
        dtype = leaf.dtype
        if dtype.is_floating_point and self._dtype is not None and dtype not in self._dtypes:
            dtype = self._dtype
        return leaf.to(self._device, dtype)

    def all(self, inputs: Any) -> Any:
        return mapped(self, inputs)
