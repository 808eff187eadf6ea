"""What was `tb_activations.events`: `EventWriter` is a public name of the package now."""

from __future__ import annotations

import importlib
import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    value = getattr(importlib.import_module("tb_activations.eventfile.writer"), name)
    warnings.warn(
        f"tb_activations.events.{name} is deprecated: use tb_activations.EventWriter",
        DeprecationWarning,
        stacklevel=2,
    )
    return value
