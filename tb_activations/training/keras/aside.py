"""Views of a layer beside what it returns, taken where they are asked for by name.

`conv/before_activation` is what a layer hands to its own activation; the layers inside a
`TimeDistributed` are run once on all frames, as rows, where each frame is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from tb_activations.training.keras.private import mask_of
from tb_activations.training.keras.tensors import is_array, to_numpy

BEFORE_ACTIVATION = "before_activation"


@contextmanager
def activation_seen(layer: Any, see: Callable[[Any], None]) -> Iterator[None]:
    """Shows `see` what the layer hands to its `activation` in the block."""
    activation = vars(layer)["activation"]

    def call(value: Any, *args: Any, **kwargs: Any) -> Any:
        see(value)
        return activation(value, *args, **kwargs)

    vars(layer)["activation"] = call
    try:
        yield
    finally:
        vars(layer)["activation"] = activation


def has_activation(layer: Any) -> bool:
    """Whether it has an activation of its own that it calls."""
    return isinstance(layer, keras.Layer) and callable(vars(layer).get("activation"))


def frames_of(layer: Any, args: tuple, kwargs: dict) -> Any:
    """What a `TimeDistributed` was called on, `[n, t, …]`; None where its steps cannot be rows."""
    if not isinstance(layer, keras.layers.TimeDistributed):
        return None
    given = args[0] if args else kwargs.get("inputs")
    masked = kwargs.get("mask") is not None or len(args) > 2
    if masked or not is_array(given) or mask_of(given) is not None:
        return None
    return given


def as_rows(frames: Any) -> Any:
    """`[n, t, …]` → `[n · t, …]`."""
    return keras.ops.reshape(frames, (-1, *(int(side) for side in frames.shape[2:])))


def as_frames(rows: Any, frames: Any, channels_first: bool) -> Any:
    """`[n · t, …]` → `[n, t, …]`, `[n, c, t, …]` with channels first."""
    sides = tuple(int(side) for side in rows.shape[1:])
    value = keras.ops.reshape(rows, (-1, int(frames.shape[1]), *sides))
    return keras.ops.swapaxes(value, 1, 2) if channels_first else value


def alike(one: Any, other: Any) -> bool:
    """Whether two tensors hold the same values but for rounding."""
    a, b = to_numpy(one), to_numpy(other)
    allowed = 2e-2 if a.dtype.itemsize < 4 else 1e-4
    return a.shape == b.shape and np.allclose(
        a.astype(np.float64), b.astype(np.float64), rtol=allowed, atol=allowed, equal_nan=True
    )
