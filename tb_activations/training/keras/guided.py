"""Guided backpropagation: a ReLU passes back what is positive, where what it was given is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tb_activations.training.attribution.framework import NotHere
from tb_activations.training.attribution.words import NO_RELU, no_relu_either

_LIMITS = {"relu": None, "relu6": 6.0}
_OWN = ("softmax", "sigmoid")  # of outputs, attention and gates: no unit that is on or off


class GuidedRules:
    """Of one pass. said: sentences to be read beside its gradients."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._met = 0

    def call(self, original: Callable[..., Any], layer: Any, args: tuple, kwargs: dict) -> Any:
        return original(layer, *args, **kwargs)

    def activated(self, name: str, original: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        if name in _LIMITS:
            self._met += 1
            value = keras.ops.convert_to_tensor(args[0] if args else next(iter(kwargs.values())))
            return _guided(original, _LIMITS[name], value)
        sentence = no_relu_either(name)
        if name not in _OWN and sentence not in self.said:
            self.said.append(sentence)
        return original(*args, **kwargs)

    def check(self) -> None:
        if not self._met:
            raise NotHere(NO_RELU, "smooth_grad")


def _guided(original: Callable[..., Any], limit: float | None, value: Any) -> Any:
    @keras.ops.custom_gradient
    def run(x: Any) -> tuple[Any, Callable[..., Any]]:
        def grad(*args: Any, upstream: Any = None) -> Any:
            given = args[0] if upstream is None else upstream
            on = keras.ops.logical_and(x > 0, given > 0)
            if limit is not None:
                on = keras.ops.logical_and(on, x < limit)
            return keras.ops.where(on, given, keras.ops.zeros_like(given))

        return original(x), grad

    return run(value)
