"""`IntegratedGradientsCallback`: integrated gradients of one class, as training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tb_activations.tf_explain.callbacks.logged import Directory, LoggedMaps


class IntegratedGradientsCallback(LoggedMaps):
    """Logs the maps for the Activations tab, at the start and after each epoch.

    Args:
      validation_data: `(x, y)` or `(x, None)`. class_index: the class explained.
      n_steps: on the way from black to the image.
      output_dir: below which the records are written, in a directory by time.
    """

    def __init__(
        self,
        validation_data: Any,
        class_index: int,
        n_steps: int = 5,
        output_dir: Directory = Path("./logs/integrated_gradients"),
    ) -> None:
        super().__init__(
            validation_data, class_index, output_dir, "integrated_gradients", steps=n_steps
        )
        self.n_steps = n_steps
