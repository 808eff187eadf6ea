"""See inside a network while it trains: activations as real values, in TensorBoard.

The public names are imported on first use, so that `import tb_activations` loads neither
TensorFlow nor Keras.
"""

from __future__ import annotations

import importlib
from typing import Any

from tb_activations.names import VERSION as __version__

_HOMES = {
    "EventWriter": "tb_activations.eventfile.writer",
    "AttributionMethod": "tb_activations.training.attribution.methods",
    "add_activations": "tb_activations.training.torch.summary",
    "activations": "tb_activations.training.tensorflow.summary",
    "activations_pb": "tb_activations.record.summary",
    "ActivationsCallback": "tb_activations.training.keras.callback",
    "ActivationsLogger": "tb_activations.training.logger",
    "LightningCallback": "tb_activations.training.torch.lightning",
    "TransformersCallback": "tb_activations.training.torch.transformers",
    "attribute": "tb_activations.training.attribution.attribute",
    "capture": "tb_activations.training.frameworks",
    "check": "tb_activations.training.rehearsal",
    "deletion_insertion": "tb_activations.training.attribution.deletion",
    "grid": "tb_activations.export.grid",
    "log_checkpoints": "tb_activations.training.saved_weights",
    "randomization_check": "tb_activations.training.attribution.randomization",
    "save_grid": "tb_activations.export.grid",
}

__all__ = [
    "ActivationsCallback",
    "ActivationsLogger",
    "AttributionMethod",
    "EventWriter",
    "LightningCallback",
    "TransformersCallback",
    "__version__",
    "activations",
    "activations_pb",
    "add_activations",
    "attribute",
    "capture",
    "check",
    "deletion_insertion",
    "grid",
    "log_checkpoints",
    "randomization_check",
    "save_grid",
]


_EXTRAS = {"keras": "tensorflow", "tensorflow": "tensorflow", "torch": "torch"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        try:
            return getattr(importlib.import_module(_HOMES[name]), name)
        except ModuleNotFoundError as e:
            if e.name not in _EXTRAS:
                raise
            raise ImportError(
                f"{__name__}.{name} needs {e.name}, which is not installed: "
                f"pip install 'tb-activations[{_EXTRAS[e.name]}]'"
            ) from e
    raise AttributeError(f"module 'tb_activations' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
