"""The layers whose methods lead to a call without being called themselves.

`encoder.call(x)` and `encoder.features(x)` run the encoder's layers past its `__call__`; the
encoder stands in the frames between the layer around and the one that is called.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

import keras

from tb_activations.training.keras.private import flattened


def layers_between(call: CodeType, layer: Any, around: Any) -> list[tuple[FrameType, Any]]:
    """Frames and layers from `around` to `layer`, the outermost first, both left out.

    Args:
      call: the code of a function that runs for `layer`, and, further out, for `around`.
      layer: the layer that is called.
    """
    found: list[tuple[FrameType, Any]] = []
    before = around
    for frame in reversed(list(_frames(call))):
        one = _self_of(frame)
        if one is None or one is before or one is layer or _stands_for(before, one):
            continue
        if _holds(one, layer):
            found.append((frame, one))
            before = one
    return found


def _frames(call: CodeType) -> Iterator[FrameType]:
    """From the one that made the call outwards, up to the call around it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not call:
        frame = frame.f_back
    frame = frame.f_back if frame is not None else None
    while frame is not None and frame.f_code is not call:
        yield frame
        frame = frame.f_back


def _self_of(frame: FrameType) -> Any:
    """The layer whose method runs in the frame, None where it is none's."""
    code = frame.f_code
    if not code.co_argcount or code.co_varnames[0] != "self":
        return None
    one = frame.f_locals.get("self")
    return one if isinstance(one, keras.Layer) else None


def _stands_for(before: Any, one: Any) -> bool:
    """Whether it is the graph that a Sequential model keeps of its own layers."""
    return isinstance(before, keras.Sequential) and one not in before.layers


def _holds(one: Any, layer: Any) -> bool:
    inside = [*flattened(one), *getattr(one, "operations", ())]
    return any(layer is each for each in inside)
