"""A layer that is linear but for its activation, and what its inputs of each sign add to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

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
    """One call. x: what the layer was given. z: what it hands to its activation."""

    def __init__(self, layer: Any, x: Any, z: Any, never_negative: bool) -> None:
        self.layer = layer
        self.z = z
        self._x = x
        self._never_negative = never_negative
        self._parts: tuple[Any, Any] | None = None

    @property
    def has_signs(self) -> bool:
        """Whether one kernel stands for the layer, whose signs can be told apart."""
        plain = isinstance(self.layer, (*CONVOLUTIONS, *DENSE))
        quantised = getattr(self.layer, "quantization_mode", None) is not None
        return plain and not quantised and not getattr(self.layer, "lora_enabled", False)

    @property
    def bias(self) -> Any:
        """As it is added; 0 where there is none."""
        bias = getattr(self.layer, "bias", None)
        if bias is None:
            return keras.ops.zeros((), self.z.dtype)
        bias = keras.ops.cast(keras.ops.convert_to_tensor(bias), self.z.dtype)
        if getattr(self.layer, "data_format", None) == "channels_first":
            bias = keras.ops.reshape(bias, (1, -1, *[1] * (len(self.z.shape) - 2)))
        return bias

    @property
    def without_bias(self) -> Any:
        return self.z - self.bias

    def parts(self) -> tuple[Any, Any]:
        """What adds to the output, and what takes from it, without the bias."""
        if self._parts is None:
            above = self.run(keras.ops.maximum(self._x, 0), _positive)
            if not self._never_negative:
                above = above + self.run(keras.ops.minimum(self._x, 0), _negative)
            self._parts = above, self.without_bias - above
        return self._parts

    def box(self, low: Any, high: Any) -> tuple[Any, Any]:
        """W⁺ l + W⁻ h, and W⁻ l + W⁺ h as it is for −W."""
        both = self.run(low, _positive) + self.run(high, _negative)
        other = self.run(low, _negative) + self.run(high, _positive)
        return both, other

    def run(self, x: Any, change: Callable[[Any], Any]) -> Any:
        """The layer without bias and activation, its kernel changed; nothing in it is written."""
        layer = self.layer
        mapping = [(v, self._changed(v, change)) for v in layer.weights]
        given = keras.ops.cast(x, self.z.dtype)
        with activation_replaced(layer, lambda z: z), keras.StatelessScope(state_mapping=mapping):
            return layer.call(given)

    @staticmethod
    def _changed(variable: Any, change: Callable[[Any], Any]) -> Any:
        value = variable.value
        return keras.ops.zeros_like(value) if variable.name == "bias" else change(value)


def _positive(kernel: Any) -> Any:
    return keras.ops.maximum(kernel, 0)


def _negative(kernel: Any) -> Any:
    return keras.ops.minimum(kernel, 0)
