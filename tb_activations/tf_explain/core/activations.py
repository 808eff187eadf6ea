"""`ExtractActivations`: a picture of the activations of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tb_activations.export.grid import grid
from tb_activations.tf_explain.pictures import Explainer, below, images_of
from tb_activations.tf_explain.said import say
from tb_activations.training.frameworks import capture


class ExtractActivations(Explainer):
    """Draws every channel of layers, of every example.

    Args:
      batch_size: how many examples run at once; None for all.
    """

    method = "activations"

    def __init__(self, batch_size: int | None = None) -> None:
        self.batch_size = batch_size

    def explain(self, validation_data: Any, model: Any, layers_name: str | Sequence[str]) -> Any:
        """`tba.grid` of each layer's activations, all examples, one layer below the other.

        Args:
          validation_data: `(x, y)` or `(x, None)`. layers_name: names of layers, or one.

        Returns:
          uint8 `[height, width, 3]`.

        Raises:
          ValueError: a layer that the model does not have.
        """
        say(self.method)
        pictures = [
            grid(values, example=None)
            for values in self.activations(validation_data, model, layers_name).values()
        ]
        return pictures[0] if len(pictures) == 1 else below(pictures)

    def activations(
        self, validation_data: Any, model: Any, layers_name: str | Sequence[str]
    ) -> dict[str, np.ndarray]:
        """What the picture is of: the values of each layer."""
        x = images_of(validation_data)
        count, size = len(x), self.batch_size or len(x)
        layers = layers_name if isinstance(layers_name, str) else list(layers_name)
        parts = [capture(model, x[i : i + size], layers) for i in range(0, count, size)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
