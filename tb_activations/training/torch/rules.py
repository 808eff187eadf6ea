"""Other rules for the way back: what a pass gives stays as it is, its gradients do not.

A function mode below the watch's hands every function of this thread to the rules, in place or
not, whoever calls it. Parameters are handed on detached: what requires a gradient is then what
depends on the points, and a weight is not taken for an activation that it is multiplied with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from tb_activations.training.torch.functions import HEADS
from tb_activations.training.torch.private import opened, version

# Questions about a tensor, whose answer is of the parameter itself.
_ASKING = frozenset(("__get__", "__set__", "dim", "size", "requires_grad_", "is_contiguous"))
# Attention of `nn.MultiheadAttention`; the way back, on which what is checkpointed runs again.
_OPENED = (HEADS, torch.autograd.grad)
_CLOSED = f"no rule holds inside `{{}}`, which torch {torch.__version__} writes in another way"


class Followed(Protocol):
    """The rules of one pass. `said` are sentences that must be read beside what it gives."""

    said: list[str]

    def call(
        self, run: Callable[..., Any], module: nn.Module, path: str, args: tuple, kwargs: dict
    ) -> Any:
        """A module's call: `run(module, *args, **kwargs)`, or what takes its place."""

    def function(self, func: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        """A function's call."""

    def check(self) -> None:
        """Raises ValueError where the rules found nothing that they are for."""


@contextmanager
def following(rules: Followed | None) -> Iterator[None]:
    """Functions of this thread inside the block follow the rules, if there are any."""
    if rules is None:
        yield
        return
    with _Ruled(rules):
        yield


class _Ruled(TorchFunctionMode):
    def __init__(self, rules: Followed) -> None:
        super().__init__()
        self._rules = rules
        self._inside: list[Any] = []  # functions that were opened, and are not over

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _OPENED:
            return self._open(func, args, kwargs)
        if func.__name__ in _ASKING:
            return func(*args, **kwargs)
        held = {name: _without_parameters(one) for name, one in kwargs.items()}
        return self._rules.function(func, _without_parameters(args), held)

    def _open(self, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Runs a function with the mode on. It may ask for a mode in a way that is not known, and
        be handed here again: it then runs as it is, which is said."""
        if func in self._inside:
            if _CLOSED.format(func.__name__) not in self._rules.said:
                self._rules.said.append(_CLOSED.format(func.__name__))
            return func(*args, **kwargs)
        self._inside.append(func)
        try:
            with self:
                return opened(func)(*args, **kwargs)
        finally:
            self._inside.pop()


def _without_parameters(value: Any) -> Any:
    if isinstance(value, nn.Parameter):
        return value.detach()
    if type(value) in (list, tuple):
        return type(value)(_without_parameters(one) for one in value)
    return value


class _Sloped(torch.autograd.Function):
    """The value of the one to the bit; the gradient of factor · the other, the factor held."""

    @staticmethod
    def forward(ctx: Any, value: Any, other: Any, factor: Any) -> Any:
        ctx.save_for_backward(factor)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:  # type: ignore[override]
        (factor,) = ctx.saved_tensors
        return None, grad * factor, None


def sloped(value: torch.Tensor, other: torch.Tensor, factor: torch.Tensor | float) -> torch.Tensor:
    if not isinstance(factor, torch.Tensor):
        factor = torch.tensor(factor, dtype=value.dtype, device=value.device)
    out: torch.Tensor = _Sloped.apply(value.detach(), other, factor.detach())  # type: ignore[no-untyped-call]
    return out


def argument(args: tuple, kwargs: Mapping[str, Any], index: int, name: str) -> Any:
    """By its place or its name, None where it is not given."""
    return args[index] if len(args) > index else kwargs.get(name)


def in_its_place(
    func: Callable[..., Any],
    args: tuple,
    kwargs: Mapping[str, Any],
    rule: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> Any:
    """`rule(x, y)` of a function y of x; where it overwrites x, x is overwritten so.

    It runs on a copy where it may do that, so that the rule has what was there before.
    """
    x, rest = (args[0], args[1:]) if args else (kwargs["input"], ())
    kwargs = {name: one for name, one in kwargs.items() if args or name != "input"}
    may = func.__name__.endswith("_") or kwargs.get("inplace") or any(one is True for one in rest)
    given = x.clone() if may else x
    before = given.clone() if may else x
    made = func(given, *rest, **kwargs)
    if not isinstance(made, torch.Tensor):
        return made
    new = rule(before, made)
    return x.copy_(new) if may and made is given else new


class Noted:
    """Things that are known of tensors, as long as nothing is written to them."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._known: dict[int, tuple[torch.Tensor, int, Any]] = {}

    def note(self, tensor: torch.Tensor, what: Any = True) -> None:
        # Held, so that no other tensor has its id.
        self._known[id(tensor)] = tensor, version(tensor), what
        if self._most is not None and len(self._known) > self._most:
            del self._known[next(iter(self._known))]

    def __call__(self, tensor: Any) -> Any:
        """What is known of it, None where nothing is."""
        known = self._known.get(id(tensor))
        if known is None or known[0] is not tensor or known[1] != version(tensor):
            return None
        return known[2]
