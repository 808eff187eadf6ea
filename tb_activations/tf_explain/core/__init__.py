"""The classes with `explain` and `save`, imported when they are asked for."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "ExtractActivations": "activations",
    "GradCAM": "grad_cam",
    "GradientsInputs": "gradients_inputs",
    "IntegratedGradients": "integrated_gradients",
    "VanillaGradients": "vanilla_gradients",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"{__name__} has no {name!r}; it has {', '.join(_HOMES)}")
