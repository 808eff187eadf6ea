"""Layer-wise relevance propagation by gradients: input × gradient of a pass with other slopes.

A function with output z and a rule that shares z out as the terms of a sum s gets the slope of
s · (z / s), the quotient held: then value × gradient is its relevance at every point.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tb_activations.training.attribution.framework import NotHere, Relevance
from tb_activations.training.attribution.words import UNUSED_BOUNDS, has_gates
from tb_activations.training.torch import deviations
from tb_activations.training.torch.favoured import Favoured, Folded
from tb_activations.training.torch.functions import ACTIVATIONS, ATTENTION, name_of
from tb_activations.training.torch.linear import Linear, linear_of
from tb_activations.training.torch.private import version, without_functions
from tb_activations.training.torch.rules import Noted, argument, in_its_place, sloped
from tb_activations.training.torch.shared_out import OfTerms, shared_out

_RECURRENT = (nn.RNNBase, nn.RNNCellBase)
_NOT_PASSED_ON = ("relu", "softmax", "log_softmax", "softmin", "gumbel_softmax", "glu")
# Functions of each value for itself that are no activations by name.
_EACH_WORDS = "clamp clip erf exp expm1 log log1p sqrt square pow sin cos atan"
_PRODUCT_WORDS = "matmul mm bmm baddbmm einsum tensordot mul multiply bilinear"
# What gives the same values in another order, shape, dtype or place.
_REARRANGING_WORDS = (
    "permute transpose movedim moveaxis swapaxes swapdims reshape view flatten unflatten squeeze "
    "unsqueeze contiguous to type type_as float double half bfloat16 clone expand dropout"
)
_OF_EACH_VALUE, _PRODUCTS, _REARRANGING, _DIVISIONS = (
    frozenset(words.split())
    for words in (_EACH_WORDS, _PRODUCT_WORDS, _REARRANGING_WORDS, "div divide true_divide rdiv")
)
_HOLDING = _PRODUCTS - {"mul", "multiply"}  # of attention's scores and the values they weigh


class RelevanceRules:
    """Of one pass; see `rules.Followed`."""

    def __init__(self, rules: Relevance) -> None:
        self.said: list[str] = []
        self._rules = rules
        self._sources = Noted()
        self._scores = Noted()
        self._made = Noted(most=8)  # a normalisation follows soon, if at all
        self._begun = self._boxed = False

    def start(self, x: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> None:
        """Says between which bounds an input lies."""
        self._begun = True
        self._sources.note(x, (low, high))

    def call(
        self, run: Callable[..., Any], module: nn.Module, path: str, args: tuple, kwargs: dict
    ) -> Any:
        if isinstance(module, _RECURRENT):
            why = has_gates(type(module).__name__, path)
            raise NotHere(why, "gradient_x_input")
        if not _is_activation(module, args, kwargs):
            return run(module, *args, **kwargs)
        with without_functions():  # one step, whatever it is made of
            given = args[0].clone()
            made = run(module, given)
            if not isinstance(made, torch.Tensor) or made.shape != args[0].shape:
                return made
            new = _passed_on(args[0], made)
            return args[0].copy_(new) if made is given else new

    def function(self, func: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        name = name_of(func)
        special = self._special(name, func, args, kwargs)
        if special is not None:
            return special
        if name in _PRODUCTS:
            args, kwargs = self._held(name, args), kwargs
        out = func(*args, **kwargs)
        if not isinstance(out, torch.Tensor) or not out.requires_grad:
            return out
        linear = linear_of(name, func, args, kwargs, out)
        if linear is not None:
            return self._linear(linear)
        return self._after(name, func, args, kwargs, out)

    def check(self) -> None:
        if self._begun and not self._boxed:
            self.said.append(UNUSED_BOUNDS)

    def same(self, tensor: torch.Tensor, copy: torch.Tensor) -> None:
        """What is known of a tensor is known of its copy."""
        for noted in (self._sources, self._scores, self._made):
            if noted(tensor) is not None:
                noted.note(copy, noted(tensor))

    def _special(self, name: str, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """What functions return that are called otherwise, None for all others."""
        x = argument(args, kwargs, 0, "input")
        if func is ATTENTION:
            return _attended(args, kwargs)
        if not isinstance(x, torch.Tensor):
            return None
        if (func in ACTIVATIONS and name not in _NOT_PASSED_ON) or name in _OF_EACH_VALUE:
            return in_its_place(func, args, kwargs, _passed_on) if x.requires_grad else None
        if name in ("mul", "multiply") and _shares(args, kwargs) > 1:
            share = 1 / _shares(args, kwargs)
            return self._multiplied(func, args, kwargs, share)
        if name in _DIVISIONS and len(args) > 1:
            below = 0 if name == "rdiv" else 1
            held = [one.detach() if i == below and isinstance(one, torch.Tensor) else one
                    for i, one in enumerate(args)]  # fmt: skip
            return func(*held, **kwargs)
        return None

    @staticmethod
    def _multiplied(func: Any, args: tuple, kwargs: dict[str, Any], share: float) -> Any:
        """Each factor gets its share, also where the product is written over the first."""
        if not func.__name__.endswith("_") or not args:
            made = func(*args, **kwargs)
            return sloped(made, made, share)
        made = torch.mul(args[0].clone(), *args[1:], **kwargs)
        return args[0].copy_(sloped(made, made, share))

    def _after(self, name: str, func: Any, args: tuple, kwargs: dict[str, Any], out: Any) -> Any:
        """What takes the place of a function's result."""
        x = argument(args, kwargs, 0, "input")
        if name in ("rsqrt", "reciprocal") or _is_root_below(name, args):
            return out.detach()
        if name in _PRODUCTS:
            shares = _shares(args, kwargs)
            return sloped(out, out, 1 / shares) if shares > 1 else out
        if func is F.batch_norm:
            return self._batch_normalised(args, kwargs, out)
        if name in deviations.NORMS:
            return deviations.held(name, args, kwargs, out)
        if name in deviations.SCALES:
            return _passed_on(x, out)
        if name == "glu":
            a, b = x.chunk(2, argument(args, kwargs, 1, "dim") or -1)
            return sloped(out, a * _passed_on(b, b.sigmoid()), 0.5)
        if name == "softmax":
            self._scores.note(out)
        elif name in _REARRANGING:
            self._rearranged(func, args, kwargs, x, out)
        return out

    def _rearranged(self, func: Any, args: tuple, kwargs: dict[str, Any], x: Any, out: Any) -> None:
        if x is out:
            return
        if self._scores(x) is not None:
            self._scores.note(out)
        bounds = self._sources(x)
        if bounds is not None:
            rest = {key: one for key, one in kwargs.items() if key != "input"}
            self._sources.note(out, tuple(func(one, *args[1:], **rest) for one in bounds))

    def _held(self, name: str, args: tuple) -> tuple:
        """Attention's scores are weights like others: nothing flows through their softmax."""
        if name not in _HOLDING:
            return args
        return tuple(
            type(one)(self._held(name, tuple(one)))
            if type(one) in (list, tuple)
            else (one.detach() if self._scores(one) is not None else one)
            for one in args
        )

    def _linear(self, linear: Linear) -> torch.Tensor:
        written = version(linear.x)
        out = self._ruled(linear, linear.z)
        self._made.note(out, (linear, written))
        return out

    def _ruled(
        self, linear: Linear, value: torch.Tensor, folded: Folded | None = None
    ) -> torch.Tensor:
        """The value, with the slope of the sum that its relevance is shared out by."""
        given = (linear.x, linear.z)
        rules, bounds = self._rules, self._sources(linear.x)
        if bounds is None:
            gamma = rules.gamma if rules.dense or not linear.dense else 0.0
            return shared_out(value, Favoured(linear, folded, gamma, rules.epsilon), given)
        self._boxed = True
        terms = OfTerms(functools.partial(_within_bounds, linear, folded), rules.epsilon)
        return shared_out(value, terms, (*given, *bounds))

    def _batch_normalised(self, args: tuple, kwargs: dict[str, Any], y: torch.Tensor) -> Any:
        """As one function with the linear one before it; alone, its own slope is the rule."""
        found = deviations.scale_and_shift(args, kwargs)
        known = self._made(argument(args, kwargs, 0, "input"))
        if known is None or found is None or y.itemsize < 4:
            return y
        linear, written = known
        if version(linear.x) != written:
            return y
        scale, shift = found
        if linear.bias is not None:
            shift = shift + scale * linear.bias
        return self._ruled(linear, y, (scale, shift))


def _within_bounds(
    linear: Linear,
    folded: Folded | None,
    x: torch.Tensor,
    z: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The sum of the box rule, and the value."""
    plain = linear.of(x, z).without_bias
    both, other = linear.box(low, high)
    if folded is None:
        return plain - both, z
    scale, bias = folded
    scaled = scale * plain
    return scaled - scale * torch.where(scale > 0, both, other), scaled + bias


def _passed_on(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """y, with the relevance of x being that of y."""
    if not x.requires_grad:
        return y
    with torch.no_grad():
        factor = y / x.masked_fill(x == 0, 1)
    return sloped(y, x, factor)


def _shares(args: tuple, kwargs: dict[str, Any]) -> int:
    """How many of the factors depend on the points."""
    every = [*args, *kwargs.values()]
    every = [one for some in every for one in (some if type(some) in (list, tuple) else [some])]
    return sum(isinstance(one, torch.Tensor) and one.requires_grad for one in every)


def _is_root_below(name: str, args: tuple) -> bool:
    """`x ** -0.5`, as deviations that are multiplied with are written."""
    return name == "pow" and len(args) > 1 and isinstance(args[1], int | float) and args[1] < 0


def _attended(args: tuple, kwargs: dict[str, Any]) -> torch.Tensor:
    """The scores are held: they are of the query and the key."""
    held = [one.detach() if i < 2 else one for i, one in enumerate(args)]
    named = {key: one.detach() if key in ("query", "key") else one for key, one in kwargs.items()}
    return ATTENTION(*held, **named)


_WORDS = ("gelu", "silu", "swish", "mish", "elu", "activation")


def _is_activation(module: nn.Module, args: tuple, kwargs: dict) -> bool:
    """A module of somebody's own that is an activation by its name, and holds nothing."""
    name = type(module).__name__.lower()
    return (
        not type(module).__module__.startswith("torch.nn.")
        and any(word in name for word in _WORDS)
        and len(args) == 1
        and not kwargs
        and isinstance(args[0], torch.Tensor)
        and not any(True for _ in module.parameters())
    )
