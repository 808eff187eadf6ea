"""Guided backpropagation: a ReLU passes back what is positive, where what it was given is.

Functional, in-place and written as `clamp`, a ReLU is met where it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from tb_activations.training.attribution.framework import NotHere
from tb_activations.training.attribution.words import NO_RELU, no_relu_either
from tb_activations.training.torch.functions import ACTIVATIONS, name_of
from tb_activations.training.torch.private import base, without_functions
from tb_activations.training.torch.rules import argument, in_its_place

# Of outputs, attention and gates: no unit that is on or off.
_OWN = ("softmax", "log_softmax", "softmin", "gumbel_softmax", "sigmoid", "logsigmoid")
_CLAMPS = ("clamp", "clip", "clamp_min", "hardtanh")


class GuidedRules:
    """Of one pass; see `rules.Followed`."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._met = 0

    def call(
        self, run: Callable[..., Any], module: nn.Module, path: str, args: tuple, kwargs: dict
    ) -> Any:
        return run(module, *args, **kwargs)

    def function(self, func: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        limits = _limits(func, args, kwargs)
        if limits is not None:
            self._met += 1
            return _met(func, args, kwargs, *limits)
        name = name_of(func)
        if func in ACTIVATIONS and name not in _OWN:
            sentence = no_relu_either(name)
            if sentence not in self.said:
                self.said.append(sentence)
        return func(*args, **kwargs)

    def check(self) -> None:
        if not self._met:
            raise NotHere(NO_RELU, "smooth_grad")


def _limits(func: Any, args: tuple, kwargs: Mapping[str, Any]) -> tuple[float | None] | None:
    """Where a ReLU ends, `(None,)` for nowhere; None of what is no ReLU."""
    name = name_of(func)
    if name in ("relu", "relu6"):
        return (6.0 if name == "relu6" else None,)
    if name not in _CLAMPS:
        return None
    words = ("min_val", "max_val") if name == "hardtanh" else ("min", "max")
    low, high = argument(args, kwargs, 1, words[0]), argument(args, kwargs, 2, words[1])
    is_zero = isinstance(low, int | float) and low == 0
    return (high,) if is_zero and (high is None or isinstance(high, int | float)) else None


def _met(func: Callable[..., Any], args: tuple, kwargs: dict[str, Any], limit: float | None) -> Any:
    """A ReLU's result, with the guided way back.

    torch's own passes nothing where the ReLU was given no more than 0: there is only left to drop
    what is negative. Not so of `clamp`, which passes at 0 itself, nor of a view that is written to,
    whose gradient comes through what it is a view of.
    """
    x = argument(args, kwargs, 0, "input")
    if name_of(func) not in ("relu", "relu6") or base(x) is not None:
        return in_its_place(func, args, kwargs, lambda x, y: _guided(x, y, limit))
    y = func(*args, **kwargs)
    if y.requires_grad:
        y.register_hook(_positive)
    return y


def _positive(grad: torch.Tensor) -> torch.Tensor:
    with without_functions():
        return grad.clamp(min=0)


class _Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, limit: Any) -> Any:
        ctx.save_for_backward(x <= 0 if limit is None else (x <= 0) | (x >= limit))
        return y.clone()

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:  # type: ignore[override]
        (off,) = ctx.saved_tensors
        return _positive(grad).masked_fill_(off, 0), None, None


def _guided(x: torch.Tensor, y: torch.Tensor, limit: float | None) -> torch.Tensor:
    out: torch.Tensor = _Guided.apply(x, y.detach(), limit)  # type: ignore[no-untyped-call]
    return out
