"""How a pass begins and what it follows on its way back, made of what was asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tb_activations.training.attribution.framework import Point, Relevance, Rules
from tb_activations.training.keras.guided import GuidedRules
from tb_activations.training.keras.relevance import RelevanceRules
from tb_activations.training.keras.rules import Followed


def rules_of(
    rules: Rules | None, by_leaf: dict[Any, Any], flat: Sequence[Any]
) -> tuple[Followed | None, dict[Any, Any]]:
    """What follows them in one pass, and the inputs, which for relevance are factors so far."""
    if not isinstance(rules, Relevance):
        return (None if rules is None else GuidedRules()), by_leaf
    inputs = {i: keras.ops.cast(flat[i], one.dtype) * one for i, one in by_leaf.items()}
    low, high = rules.bounds or (0, 0)
    sources = [(inputs[i], low * one, high * one) for i, one in by_leaf.items() if rules.bounds]
    return RelevanceRules(rules, sources), inputs


def of_rules(
    rules: Rules | None, point: Point, gradient: np.ndarray | None, value: np.ndarray
) -> np.ndarray | None:
    """A gradient, or at a layer's output the relevance that it stands for."""
    if gradient is None or point.leaf is not None or not isinstance(rules, Relevance):
        return gradient
    return gradient * value


def start_of(point: Point, flat: Sequence[Any], rows: int, rules: Rules | None) -> np.ndarray:
    """An input as the model is given it, in real numbers; no change for a layer's output.

    For relevance a factor of 1: the slope along it is value × gradient, of the bounds, too.
    """
    if point.leaf is None:
        return np.zeros((rows, *point.shape), point.dtype)
    if isinstance(rules, Relevance):
        return np.ones(flat[point.leaf].shape, point.dtype)
    return flat[point.leaf].astype(point.dtype)


def run_compiled(
    functions: dict[Any, Callable[..., Any]], key: Any, whole: Callable[..., Any], given: tuple
) -> Any:
    """JAX: the function compiled, once for each key; as it is where the model forbids that."""
    import jax

    function = functions.get(key)
    if function is None:
        function = jax.jit(whole)
        with contextlib.suppress(Exception):  # a model that runs in eager execution alone
            answer = function(*given)
            functions[key] = function
            return answer
        function = functions[key] = whole
    return function(*given)
