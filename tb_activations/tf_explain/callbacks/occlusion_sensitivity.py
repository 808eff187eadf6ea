"""`OcclusionSensitivityCallback`: what hiding a patch takes from one class, as training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tb_activations.tf_explain.callbacks.logged import Directory, LoggedMaps


class OcclusionSensitivityCallback(LoggedMaps):
    """Logs the maps for the Activations tab, at the start and after each epoch.

    Args:
      validation_data: `(x, y)` or `(x, None)`. class_index: the class explained.
      patch_size: the sides of a patch, which lie side by side.
      output_dir: below which the records are written, in a directory by time.
    """

    def __init__(
        self,
        validation_data: Any,
        class_index: int,
        patch_size: int,
        output_dir: Directory = Path("./logs/occlusion_sensitivity"),
    ) -> None:
        super().__init__(
            validation_data, class_index, output_dir, "occlusion", patch=patch_size,
            stride=patch_size,
        )  # fmt: skip
        self.patch_size = patch_size
