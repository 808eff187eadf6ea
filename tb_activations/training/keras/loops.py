"""Whether a layer runs in a loop or a vectorised map, whose body has no values outside of it."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any

import keras

from tb_activations.training.keras.private import is_loop

_LOOPING_LAYERS = (keras.layers.RNN, keras.layers.TimeDistributed)


def loops(layer: Any) -> bool:
    """RNNs and TimeDistributed stand for what they run, unrolled or not."""
    return isinstance(layer, _LOOPING_LAYERS)


def in_loop(call: CodeType) -> bool:
    """Whether a loop stands between the innermost running `call` and the one around it.

    Args:
      call: the code of a function that is running, at least once, when this is asked.
    """
    frame = _innermost(call, sys._getframe(1))
    frame = frame.f_back if frame is not None else None
    while frame is not None and frame.f_code is not call:
        if is_loop(frame.f_code):
            return True
        frame = frame.f_back
    return False


def _innermost(call: CodeType, frame: FrameType | None) -> FrameType | None:
    while frame is not None and frame.f_code is not call:
        frame = frame.f_back
    return frame
