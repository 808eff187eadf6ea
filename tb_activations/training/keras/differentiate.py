"""A scalar function of tensors → its gradients, on each of Keras' backends.

A gradient has its tensor's shape and dtype; it is None where the backend knows that the function
does not depend on the tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

BACKENDS = ("tensorflow", "jax", "torch")

# Of leaves: a scalar, and a dict of what else is wanted of the pass.
Function = Callable[[Sequence[Any]], tuple[Any, dict[str, Any]]]
# Of tensors: a tensor, and another that belongs to it.
Pulled = Callable[..., tuple[Any, Any]]
# A slope of a value to the slopes of what it is a function of.
Back = Callable[[Any], Sequence[Any]]


def differentiate(function: Function, leaves: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
    """What else the function returns, and its gradient with respect to each leaf."""
    return _WAYS[keras.backend.backend()](function, leaves)


def _tensorflow(function: Function, leaves: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(leaves)
        total, rest = function(leaves)
    gradients = tape.gradient(total, leaves)
    return rest, [tf.convert_to_tensor(g) if g is not None else None for g in gradients]


def _jax(function: Function, leaves: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
    import jax

    gradients, rest = jax.grad(function, has_aux=True)(list(leaves))
    return rest, gradients


def _torch(function: Function, leaves: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
    import torch

    leaves = [leaf.detach().requires_grad_() for leaf in leaves]
    with torch.enable_grad():
        total, rest = function(leaves)
        if not total.requires_grad:
            return rest, [None] * len(leaves)
        gradients = torch.autograd.grad(total, leaves, allow_unused=True)
    return rest, list(gradients)


_WAYS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


def pulled_back(function: Pulled, given: Sequence[Any]) -> tuple[Any, Any, Back]:
    """What a function of tensors returns, and what takes a slope of the first to theirs, once."""
    return _PULLS[keras.backend.backend()](function, given)


def _tensorflow_pulled(function: Pulled, given: Sequence[Any]) -> tuple[Any, Any, Back]:
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(given)
        value, rest = function(*given)
    return value, rest, lambda slope: tape.gradient(value, list(given), output_gradients=slope)


def _jax_pulled(function: Pulled, given: Sequence[Any]) -> tuple[Any, Any, Back]:
    import jax

    value, back, rest = jax.vjp(function, *given, has_aux=True)
    return value, rest, back


def _torch_pulled(function: Pulled, given: Sequence[Any]) -> tuple[Any, Any, Back]:
    import torch

    given = [one.detach().requires_grad_() for one in given]
    with torch.enable_grad():
        value, rest = function(*given)

    def back(slope: Any) -> Sequence[Any]:
        return torch.autograd.grad(value, given, slope, allow_unused=True)

    return value.detach(), rest.detach(), back


_PULLS = {"tensorflow": _tensorflow_pulled, "jax": _jax_pulled, "torch": _torch_pulled}


@contextmanager
def no_gradients() -> Iterator[None]:
    """Torch records every operation on weights unless it is told that nobody will ask."""
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    with torch.no_grad():
        yield
