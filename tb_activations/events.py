"""What was `tb_activations.events`: `EventWriter` is a public name of the package now."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

_HOMES = {
    "FRAME_FOOTER_BYTES": "tb_activations.eventfile.frame",
    "FRAME_HEADER_BYTES": "tb_activations.eventfile.frame",
    "masked_crc32c": "tb_activations.eventfile.frame",
    "frame": "tb_activations.eventfile.frame",
    "blobs_tensor": "tb_activations.record.summary",
    "activation_event": "tb_activations.eventfile.event",
    "event_file_name": "tb_activations.eventfile.writer",
    "EventWriter": "tb_activations.eventfile.writer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tb_activations.events' has no attribute {name!r}")
    warnings.warn(
        f"tb_activations.events.{name} is deprecated: use tb_activations.EventWriter",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(importlib.import_module(_HOMES[name]), name)
