"""What a callback or logger is asked to explain while a model trains, checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tb_activations.training.attribution.methods import METHODS, AttributionMethod
from tb_activations.training.attribution.targets import ACCEPTED, is_word

EXAMPLES = 4


@dataclass(frozen=True)
class Wanted:
    """methods: in the order given. every: so many updates lie between two explanations, 0 for one
    at the end of each epoch. examples: how many are explained, the first ones of the data."""

    methods: tuple[AttributionMethod, ...]
    every: int = 0
    examples: int = EXAMPLES


def wanted(
    attributions: Any,
    freq: str | int = "epoch",
    examples: int = EXAMPLES,
    *,
    epochs: bool = True,
) -> Wanted | None:
    """The arguments `attributions`, `attribution_freq` and `attribution_examples`; None for none.

    Args:
      attributions: None, a method's name or an `AttributionMethod`, or a list of them.
      freq: "epoch", "update", or a number of updates.
      epochs: whether who asks knows where epochs end.

    Raises:
      TypeError, ValueError: another kind, a method, option or target that does not exist, with
        what there is.
    """
    every = _every(freq, epochs)
    if not isinstance(examples, int) or isinstance(examples, bool) or examples < 1:
        raise ValueError(f"attribution_examples is {examples!r}; it must be a whole number above 0")
    methods = tuple(_method(one) for one in _listed(attributions))
    return Wanted(methods, every, examples) if methods else None


def _listed(attributions: Any) -> list[Any]:
    if attributions is None:
        return []
    if isinstance(attributions, str | AttributionMethod):
        return [attributions]
    if not isinstance(attributions, Iterable) or isinstance(attributions, dict):
        raise TypeError(f"attributions is {attributions!r}; {_accepted()}")
    return list(attributions)


def _method(one: Any) -> AttributionMethod:
    if not isinstance(one, str | AttributionMethod):
        raise TypeError(f"attributions holds {one!r}; {_accepted()}")
    method = AttributionMethod(one) if isinstance(one, str) else one
    if isinstance(method.target, str) and not is_word(method.target):
        raise ValueError(f"target {method.target!r} is unknown; it may be {ACCEPTED}")
    return method


def _accepted() -> str:
    return (
        f"it may hold names ({', '.join(map(repr, METHODS))}) and "
        "tba.AttributionMethod(name, option=…)"
    )


def _every(freq: str | int, epochs: bool) -> int:
    if freq == "epoch" and epochs:
        return 0
    if freq == "update":
        return 1
    if isinstance(freq, int) and not isinstance(freq, bool) and freq > 0:
        return freq
    words = "'epoch', 'update'" if epochs else "'update'"
    raise ValueError(
        f"attribution_freq is {freq!r}; it must be {words} or a positive number of updates"
    )
