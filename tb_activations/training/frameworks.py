"""Which framework a model is of: asks the rooms of those that are loaded, and imports one."""

from __future__ import annotations

import sys
from typing import Any


def explained(model: Any, inputs: Any, **asked: Any) -> Any:
    """The model as attributions see it, an `attribution.framework.Explained`.

    Args:
      asked: output ("logit" or "probability") and function (of the outputs, or None).

    Raises:
      TypeError: no framework that is loaded knows the model.
    """
    if "keras" in sys.modules:
        from tb_activations.training.keras.gradients import KerasExplained

        return KerasExplained(model, inputs, **asked)
    raise TypeError(f"model is a {type(model).__name__}; it must be a Keras model or layer")
