"""A value whose relevance is shared out as the terms of a sum, which is made on the way back.

What is kept of a layer for the way back is what it was given and what it returned; its
contributions of each sign, and all that is computed with them, live as long as its own turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from tb_activations.training.keras.differentiate import pulled_back
from tb_activations.training.keras.linear import Linear

# Of tensors: the sum, and the value that it is for.
Shared = Callable[..., tuple[Any, Any]]


class Folded(NamedTuple):
    """A batch normalisation as part of the linear layer before it: scale · (W x) + bias."""

    scale: Any
    bias: Any


def shared_out(value: Any, shared: Shared, given: Sequence[Any], epsilon: float) -> Any:
    """The value to the bit; its slope is that of `shared` of what is given, value ÷ sum held."""

    @keras.ops.custom_gradient
    def run(*tensors: Any) -> tuple[Any, Callable[..., Any]]:
        terms, made = tensors[:-1], tensors[-1]

        def grad(*args: Any, upstream: Any = None) -> Any:
            slope = args[0] if upstream is None else upstream
            total, whole, back = pulled_back(shared, terms)
            return (*back(slope * _quotient(whole, total, epsilon)), _none(made))

        return made, grad

    return run(*given, keras.ops.stop_gradient(value))


def _quotient(value: Any, total: Any, epsilon: float) -> Any:
    """Value ÷ total, ε away from zero."""
    below = keras.ops.where(total >= 0, total + epsilon, total - epsilon)
    return value / keras.ops.where(below == 0, keras.ops.ones_like(below), below)


def _none(tensor: Any) -> Any:
    """No slope, as the backend has it."""
    return keras.ops.zeros_like(tensor) if keras.backend.backend() == "jax" else None


def boxed(
    linear: Linear, folded: Folded | None, x: Any, z: Any, low: Any, high: Any
) -> tuple[Any, Any]:
    """The sum of the box rule, for an input that lies between two bounds; and the value."""
    plain = linear.of(x, z).without_bias
    both, other = linear.box(low, high)
    if folded is None:
        return plain - both, z
    scaled = folded.scale * plain
    bounds = folded.scale * keras.ops.where(folded.scale > 0, both, other)
    return scaled - bounds, scaled + folded.bias


def folded_of(layer: Any, linear: Linear, rank: int) -> Folded:
    """A `BatchNormalization` behind a linear layer."""
    convert = keras.ops.convert_to_tensor
    scale = 1 / keras.ops.sqrt(convert(layer.moving_variance) + layer.epsilon)
    if getattr(layer, "gamma", None) is not None:
        scale = scale * convert(layer.gamma)
    bias = -convert(layer.moving_mean) * scale
    if getattr(layer, "beta", None) is not None:
        bias = bias + convert(layer.beta)
    shape = [1] * rank
    shape[layer.axis] = -1
    scale, bias = (
        keras.ops.cast(keras.ops.reshape(one, shape), linear.z.dtype) for one in (scale, bias)
    )
    return Folded(scale, bias if linear.bias is None else bias + scale * linear.bias)
