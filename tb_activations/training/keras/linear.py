"""A layer that is linear but for its activation, and what its inputs of each sign add to it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import keras

from tb_activations.training.keras.private import variables_cast
from tb_activations.training.keras.rules import activation_replaced

_L = keras.layers
CONVOLUTIONS = (
    *(_L.Conv1D, _L.Conv2D, _L.Conv3D, _L.DepthwiseConv1D, _L.DepthwiseConv2D),
    *(_L.Conv1DTranspose, _L.Conv2DTranspose, _L.Conv3DTranspose),
)
DENSE = (_L.Dense, _L.EinsumDense)
# Two kernels one after the other: linear, but no kernel whose signs could be told apart.
_OTHERS = (_L.SeparableConv1D, _L.SeparableConv2D)


def is_linear(layer: Any) -> bool:
    return isinstance(layer, (*CONVOLUTIONS, *DENSE, *_OTHERS)) and "activation" in vars(layer)


class Linear:
    """One call, with its weights as they were for it: what a pass keeps of a layer is x and z.

    x: what the layer was given. z: what it hands to its activation.
    """

    def __init__(self, layer: Any, x: Any, z: Any, never_negative: bool) -> None:
        self.layer = layer
        self.x, self.z = x, z
        self.bias = self._bias_added()
        self._never_negative = never_negative
        self._weights = [(v, None if v.name == "bias" else v.value) for v in layer.weights]

    def of(self, x: Any, z: Any) -> Linear:
        """The same call with other tensors in the place of its own."""
        other = copy.copy(self)
        other.x, other.z = x, z
        return other

    @property
    def has_signs(self) -> bool:
        """Whether one kernel stands for the layer, whose signs can be told apart."""
        plain = isinstance(self.layer, (*CONVOLUTIONS, *DENSE))
        quantised = getattr(self.layer, "quantization_mode", None) is not None
        return plain and not quantised and not getattr(self.layer, "lora_enabled", False)

    def _bias_added(self) -> Any:
        """As it is added to z; None where there is none."""
        bias = getattr(self.layer, "bias", None)
        if bias is None:
            return None
        bias = keras.ops.cast(keras.ops.convert_to_tensor(bias), self.z.dtype)
        if getattr(self.layer, "data_format", None) == "channels_first":
            bias = keras.ops.reshape(bias, (1, -1, *[1] * (len(self.z.shape) - 2)))
        return bias

    @property
    def without_bias(self) -> Any:
        return self.z if self.bias is None else self.z - self.bias

    def above(self) -> Any:
        """What adds to the output, without the bias."""
        if self._never_negative:
            return self.run(self.x, _positive)
        positive = self.run(keras.ops.maximum(self.x, 0), _positive)
        return positive + self.run(keras.ops.minimum(self.x, 0), _negative)

    def box(self, low: Any, high: Any) -> tuple[Any, Any]:
        """W⁺ l + W⁻ h, and W⁻ l + W⁺ h as it is for −W."""
        both = self.run(low, _positive) + self.run(high, _negative)
        other = self.run(low, _negative) + self.run(high, _positive)
        return both, other

    def run(self, x: Any, change: Callable[[Any], Any]) -> Any:
        """The layer without bias and activation, its kernel changed; nothing in it is written."""
        layer = self.layer
        mapping = [
            (v, keras.ops.zeros_like(v.value) if value is None else change(value))
            for v, value in self._weights
        ]
        given = keras.ops.cast(x, self.z.dtype)
        scope = keras.StatelessScope(state_mapping=mapping)
        with activation_replaced(layer, lambda z: z), scope, variables_cast(layer.compute_dtype):
            return layer.call(given)


def _positive(kernel: Any) -> Any:
    return keras.ops.maximum(kernel, 0)


def _negative(kernel: Any) -> Any:
    return keras.ops.minimum(kernel, 0)
