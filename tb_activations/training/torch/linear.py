"""One call of a linear function, and what its inputs of each sign add to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from tb_activations.training.torch.rules import argument

_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
_TRANSPOSED = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_PRODUCTS = ("matmul", "mm")


@dataclass(eq=False)
class Linear:
    """x: what was given. weight: with one sign for each way from an input to an output. bias: None,
    or as it is added to z. z: what was returned. run: of an input and a weight, without the bias.
    """

    x: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None
    z: torch.Tensor
    dense: bool
    run: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

    def of(self, x: torch.Tensor, z: torch.Tensor) -> Linear:
        """The same call with other tensors in the place of its own."""
        return replace(self, x=x, z=z)

    @property
    def without_bias(self) -> torch.Tensor:
        return self.z if self.bias is None else self.z - self.bias

    @property
    def is_positive(self) -> bool:
        """Whether no input is below zero."""
        return not self.x.numel() or bool(self.x.detach().min() >= 0)

    def above(self) -> torch.Tensor:
        """What adds to the output, without the bias."""
        positive, negative = self.weight.clamp(min=0), self.weight.clamp(max=0)
        return self.run(self.x.clamp(min=0), positive) + self.run(self.x.clamp(max=0), negative)

    def box(self, low: torch.Tensor, high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """W⁺ l + W⁻ h, and W⁻ l + W⁺ h as it is for −W."""
        positive, negative = self.weight.clamp(min=0), self.weight.clamp(max=0)
        both = self.run(low, positive) + self.run(high, negative)
        return both, self.run(low, negative) + self.run(high, positive)


def linear_of(
    name: str, func: Any, args: tuple, kwargs: Mapping[str, Any], z: torch.Tensor
) -> Linear | None:
    """The call as a linear one; None where it is none, or has no weight that is no activation."""
    if name == "linear" or name in _CONVOLUTIONS or name in _TRANSPOSED:
        found = _of_layer(name, func, args, kwargs, z)
    elif name == "addmm" and not any(kwargs.get(one, 1) != 1 for one in ("beta", "alpha")):
        bias, x, weight = (argument(args, kwargs, i, n) for i, n in
                           enumerate(("input", "mat1", "mat2")))  # fmt: skip
        found = Linear(x, weight, bias, z, True, torch.mm)
    elif name in _PRODUCTS:
        x, weight = (argument(args, kwargs, i, n) for i, n in enumerate(("input", "other")))
        found = Linear(x, weight, None, z, True, torch.matmul)
    else:
        return None
    return found if _is_linear(found) else None


def _of_layer(
    name: str, func: Any, args: tuple, kwargs: Mapping[str, Any], z: torch.Tensor
) -> Linear:
    x, weight, bias = (argument(args, kwargs, i, n) for i, n in
                       enumerate(("input", "weight", "bias")))  # fmt: skip
    rest = {key: one for key, one in kwargs.items() if key not in ("input", "weight", "bias")}

    def run(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = func(x, weight, None, *args[3:], **rest)
        return made

    if bias is not None and name != "linear":
        bias = bias.reshape(-1, *[1] * int(name[-2]))
    if bias is not None:
        bias = bias.detach().to(z.dtype)
    return Linear(x, weight, bias, z, name == "linear", run)


def _is_linear(found: Linear) -> bool:
    """In one of its arguments, real numbers stored as they are."""
    tensors = [one for one in (found.x, found.weight) if isinstance(one, torch.Tensor)]
    return (
        len(tensors) == 2
        and found.x.requires_grad
        and not found.weight.requires_grad
        and (found.bias is None or not found.bias.requires_grad)
        and all(one.layout == torch.strided and one.dtype.is_floating_point for one in tensors)
        and not any(one.is_quantized or one.is_nested for one in tensors)
    )
