"""Other rules for the way back: what a pass gives stays as it is, its gradients do not.

While rules are followed, Keras' activation functions and the public ReLUs of its backend ask the
rules of the thread that calls them; layer calls ask through the watch (`around`). The last pass to
end puts the originals back. Nothing in a model is written but `activation`, for its own call.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import keras

from tb_activations.training.keras.private import activation_functions
from tb_activations.training.keras.replaced import Make, Replaced

_thread = threading.local()


class Followed(Protocol):
    """The rules of one pass. `said` are sentences that must be read beside what it gives."""

    said: list[str]

    def call(self, original: Callable[..., Any], layer: Any, args: tuple, kwargs: dict) -> Any:
        """A layer's call."""

    def activated(self, name: str, original: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """A call of the activation function of that name."""

    def check(self) -> None:
        """Raises NotHere where the rules found nothing that they are for."""


@contextmanager
def following(rules: Followed | None) -> Iterator[None]:
    """The calls of this thread inside the block follow the rules, if there are any."""
    if rules is None:
        yield
        return
    before = getattr(_thread, "rules", None)
    with _replaced:
        _thread.rules = rules
        try:
            yield
        finally:
            _thread.rules = before


def followed() -> Followed | None:
    """The rules of this thread's pass."""
    return getattr(_thread, "rules", None)


def exact(value: Any, surrogate: Any) -> Any:
    """The value of the one to the bit, the gradient of the other."""
    held = keras.ops.stop_gradient
    return held(value) + (surrogate - held(surrogate))


@contextmanager
def activation_replaced(layer: Any, new: Callable[..., Any]) -> Iterator[None]:
    """The layer calls `new(z)` for its activation in the block; other threads call its own."""
    activation, mine = vars(layer)["activation"], followed()

    def call(value: Any, *args: Any, **kwargs: Any) -> Any:
        if followed() is not mine:
            return activation(value, *args, **kwargs)
        return new(value)

    vars(layer)["activation"] = call
    try:
        yield
    finally:
        vars(layer)["activation"] = activation


def _asking(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        rules = followed()
        if rules is None:
            return original(*args, **kwargs)
        return rules.activated(name, original, args, kwargs)

    return call


def _functions() -> Iterator[tuple[Any, str, Make]]:
    for module, name in activation_functions():
        yield module, name, functools.partial(_asking, name=name)


_replaced = Replaced(_functions)
