"""Sentences about what cannot be explained so, each with what works there instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tb_activations.training.attribution.framework import (
    Explained,
    Guided,
    NotHere,
    Pass,
    Point,
    Rules,
)


def run(
    explained: Explained,
    known: Sequence[Point],
    *asked: Any,
    rules: Rules | None = None,
    **how: Any,
) -> Pass:
    """What `explained.run` gives.

    Args:
      known: points where gradients are known to pass.

    Raises:
      ValueError: the rules are not for this model; names a method that is.
    """
    if rules is None:
        return explained.run(*asked, **how)
    try:
        _check_known(explained, rules)
        return explained.run(*asked, rules=rules, **how)
    except NotHere as e:
        raise ValueError(f"{e}: {what_works(explained, e.method, known)}") from None


def _check_known(explained: Explained, rules: Rules) -> None:
    if not isinstance(rules, getattr(explained, "known_rules", ())):
        method = "smooth_grad" if isinstance(rules, Guided) else "gradient_x_input"
        why = "the rules of this method are known for Keras models alone as yet"
        raise NotHere(why, method)


def no_gradient(explained: Explained, points: Sequence[Point]) -> str:
    """Why inputs cannot be explained, and where gradients begin."""
    names = ", ".join(point.name for point in points) or "the inputs"
    what = f"no gradient reaches {names}, which the model takes as integers, strings or indices"
    if not explained.survey.outputs:
        return what
    return f"{what}: attribute to a layer's channels, as in layer={_first_layer(explained)!r}"


def what_works(
    explained: Explained, method: str = "integrated_gradients", points: Sequence[Point] = ()
) -> str:
    """A method that takes any model with gradients, as it must be asked here.

    Args:
      points: where it is known to work.
    """
    survey = explained.survey
    known = bool(points or survey.embedded)
    if known or any(point.floating for point in survey.inputs) or not survey.outputs:
        return f"method={method!r} works here"
    return f"method={method!r} with layer={_first_layer(explained)!r} works here"


def _first_layer(explained: Explained) -> str:
    return explained.survey.outputs[0].name
