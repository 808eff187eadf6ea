"""`GradCAMCallback`: Grad-CAM of one class, as training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tb_activations.tf_explain.callbacks.logged import Directory, LoggedMaps


class GradCAMCallback(LoggedMaps):
    """Logs the maps for the Activations tab, at the start and after each epoch.

    Args:
      validation_data: `(x, y)` or `(x, None)`. class_index: the class explained.
      layer_name: None for the last layer that shows an example at several positions.
      output_dir: below which the records are written, in a directory by time.
      use_guided_grads: taken, and without effect: the map is the paper's.
    """

    def __init__(
        self,
        validation_data: Any,
        class_index: int,
        layer_name: str | None = None,
        output_dir: Directory = Path("./logs/grad_cam"),
        use_guided_grads: bool = True,
    ) -> None:
        super().__init__(validation_data, class_index, output_dir, "grad_cam", layer_name)
        self.layer_name, self.use_guided_grads = layer_name, use_guided_grads
