"""Layer-wise relevance propagation by gradients: input × gradient of a pass with other slopes.

A layer with output z and a rule that shares z out as the terms of a sum s gets the slope of
s · (z / s), the quotient held: then value × gradient is its relevance at every point.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from tb_activations.training.attribution.framework import NotHere, Relevance
from tb_activations.training.attribution.words import UNUSED_BOUNDS, has_gates
from tb_activations.training.keras.endings import also_made
from tb_activations.training.keras.linear import DENSE, Linear, is_linear
from tb_activations.training.keras.private import as_it_is
from tb_activations.training.keras.rules import activation_replaced, exact
from tb_activations.training.keras.shared_out import Folded, boxed, folded_of, shared_out
from tb_activations.training.keras.stack import ATTENTION
from tb_activations.training.keras.tensors import is_array

_L = keras.layers
_ATTENTION = (*ATTENTION, _L.Attention, _L.AdditiveAttention)
_RECURRENT = (_L.RNN, _L.Bidirectional)
# What these return has the signs of what they are given.
_KEEP_SIGNS = (
    *(_L.MaxPooling1D, _L.MaxPooling2D, _L.MaxPooling3D, _L.AveragePooling1D),
    *(_L.AveragePooling2D, _L.AveragePooling3D, _L.GlobalAveragePooling1D),
    *(_L.GlobalAveragePooling2D, _L.GlobalMaxPooling1D, _L.GlobalMaxPooling2D, _L.Flatten),
    *(_L.Reshape, _L.Permute, _L.Dropout, _L.SpatialDropout2D, _L.ZeroPadding1D),
    *(_L.ZeroPadding2D, _L.Cropping2D, _L.UpSampling2D, _L.Identity),
)


class RelevanceRules:
    """Of one pass.

    Args:
      sources: (input, its lowest, its highest value) as tensors, where bounds are known.
    """

    def __init__(self, rules: Relevance, sources: Sequence[tuple[Any, Any, Any]]) -> None:
        self.said: list[str] = []
        self._rules = rules
        self._sources = {id(x): (x, low, high) for x, low, high in sources}
        self._made: dict[int, tuple[Any, Linear]] = {}
        self._never_negative: dict[int, Any] = {}
        self._attending = 0
        self._boxed = False

    def call(self, original: Callable[..., Any], layer: Any, args: tuple, kwargs: dict) -> Any:
        if isinstance(layer, _RECURRENT):
            why = has_gates(type(layer).__name__, layer.name)
            raise as_it_is(NotHere(why, "gradient_x_input"))
        if is_linear(layer) and args:
            return self._linear(original, layer, args, kwargs)
        if isinstance(layer, _ATTENTION):
            return self._attention(original, layer, args, kwargs)
        outputs = original(layer, *args, **kwargs)
        if isinstance(layer, _L.BatchNormalization):
            return self._batch_normalised(layer, args[0], outputs)
        if isinstance(layer, _L.LayerNormalization):
            return _layer_normalised(layer, args[0], outputs)
        if isinstance(layer, _L.RMSNormalization):
            return _passed_on(args[0], outputs)
        if isinstance(layer, _L.Multiply):
            return exact(outputs, outputs / len(args[0]))
        if isinstance(layer, _KEEP_SIGNS) and args and id(args[0]) in self._never_negative:
            self._note_never_negative(outputs)
        return outputs

    def activated(self, name: str, original: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        value = args[0] if args else next(iter(kwargs.values()))
        made = original(*args, **kwargs)
        if name in ("relu", "relu6"):
            self._note_never_negative(made)
        if name == "relu" or (name == "softmax" and not self._attending) or not is_array(value):
            return made
        held = name == "softmax"
        new = keras.ops.stop_gradient(made) if held else _passed_on(value, made)
        also_made(made, new)
        return new

    def check(self) -> None:
        self._made.clear()  # nothing more than the way back needs is kept for it
        self._never_negative.clear()
        if self._sources and not self._boxed:
            self.said.append(UNUSED_BOUNDS)

    def _note_never_negative(self, value: Any) -> None:
        self._never_negative[id(value)] = value  # kept, so that no other has its id

    def _attention(
        self, original: Callable[..., Any], layer: Any, args: tuple, kwargs: dict
    ) -> Any:
        """Its scores are weights like others: nothing flows through their softmax."""
        self._attending += 1
        try:
            return original(layer, *args, **kwargs)
        finally:
            self._attending -= 1

    def _linear(self, original: Callable[..., Any], layer: Any, args: tuple, kwargs: dict) -> Any:
        x, activation = args[0], vars(layer)["activation"]
        made: list[tuple[Any, Linear]] = []

        def ruled(z: Any) -> Any:
            linear = Linear(layer, x, z, id(x) in self._never_negative)
            out = self._ruled(linear, z)
            made.append((out, linear))
            return out if activation is None else activation(out)

        with activation_replaced(layer, ruled):
            outputs = original(layer, *args, **kwargs)
        if made and outputs is made[-1][0]:
            self._made[id(outputs)] = made[-1]
        return outputs

    def _ruled(self, linear: Linear, value: Any, folded: Folded | None = None) -> Any:
        """The value, with the slope of the sum that its relevance is shared out by."""
        if id(linear.x) not in self._sources or not linear.has_signs:
            shared = functools.partial(self._shared, linear, folded)
            return shared_out(value, shared, (linear.x, linear.z), self._rules.epsilon)
        self._boxed = True
        _, low, high = self._sources[id(linear.x)]
        shared = functools.partial(boxed, linear, folded)
        given = (linear.x, linear.z, low, high)
        return shared_out(value, shared, given, self._rules.epsilon)

    def _shared(self, linear: Linear, folded: Folded | None, x: Any, z: Any) -> tuple[Any, Any]:
        """The sum whose terms the relevance of a value is shared out by, and the value."""
        linear = linear.of(x, z)
        plain = linear.without_bias
        whole = z if folded is None else folded.scale * plain + folded.bias
        if not self._favours(linear):
            return whole, whole
        above, positive = linear.above(), whole >= 0
        own = positive if folded is None else keras.ops.equal(positive, folded.scale > 0)
        favoured = keras.ops.where(own, above, plain - above)
        bias = linear.bias
        if folded is not None:
            favoured, bias = folded.scale * favoured, folded.bias
        if bias is not None:
            zero = keras.ops.zeros_like(bias)
            favoured = favoured + keras.ops.where(
                positive, keras.ops.maximum(bias, zero), keras.ops.minimum(bias, zero)
            )
        if self._rules.gamma == float("inf"):
            return favoured, whole
        return whole + self._rules.gamma * favoured, whole

    def _favours(self, linear: Linear) -> bool:
        wanted = self._rules.dense or not isinstance(linear.layer, DENSE)
        return bool(self._rules.gamma) and wanted and linear.has_signs

    def _batch_normalised(self, layer: Any, x: Any, y: Any) -> Any:
        """As one layer with the linear one before it; alone, its own slope is the rule."""
        known = self._made.get(id(x))
        if known is None or known[0] is not x or "16" in str(x.dtype):
            return y
        _, linear = known
        return self._ruled(linear, y, folded_of(layer, linear, len(y.shape)))


def _passed_on(x: Any, y: Any) -> Any:
    """y, with the relevance of x being that of y."""
    whole = keras.ops.where(x == 0, keras.ops.ones_like(x), x)
    return exact(y, x * keras.ops.stop_gradient(y / whole))


def _layer_normalised(layer: Any, x: Any, y: Any) -> Any:
    """With the deviation held."""
    if getattr(layer, "rms_scaling", False):
        return _passed_on(x, y)
    axes = tuple(layer.axis) if isinstance(layer.axis, list | tuple) else (layer.axis,)
    mean = keras.ops.mean(x, axis=axes, keepdims=True)
    deviation = keras.ops.sqrt(keras.ops.var(x, axis=axes, keepdims=True) + layer.epsilon)
    shared = (x - mean) / keras.ops.stop_gradient(deviation)
    if getattr(layer, "gamma", None) is not None:
        shape = [int(side) if i in [a % len(x.shape) for a in axes] else 1
                 for i, side in enumerate(x.shape)]  # fmt: skip
        gamma = keras.ops.cast(keras.ops.convert_to_tensor(layer.gamma), x.dtype)
        shared = shared * keras.ops.reshape(gamma, shape)
    return exact(y, shared)
