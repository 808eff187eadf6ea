"""`ActivationsVisualizationCallback`: the activations of layers, as training goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tb_activations.tf_explain.callbacks.logged import Directory, Logged


class ActivationsVisualizationCallback(Logged):
    """Logs layers for the Activations tab, at the start and after each epoch.

    Args:
      validation_data: `(x, y)` or `(x, None)`. layers_name: names of layers, or one.
      output_dir: below which the records are written, in a directory by time.
    """

    def __init__(
        self,
        validation_data: Any,
        layers_name: str | Sequence[str],
        output_dir: Directory = Path("./logs/activations_visualizations"),
    ) -> None:
        layers = layers_name if isinstance(layers_name, str) else list(layers_name)
        super().__init__(validation_data, output_dir, "activations", layers=layers)
        self.layers_name = layers_name
