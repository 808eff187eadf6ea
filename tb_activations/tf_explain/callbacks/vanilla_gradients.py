"""`VanillaGradientsCallback`: the gradients of one class, as training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tb_activations.tf_explain.callbacks.logged import Directory, LoggedMaps


class VanillaGradientsCallback(LoggedMaps):
    """Logs the maps for the Activations tab, at the start and after each epoch.

    Args:
      validation_data: `(x, y)` or `(x, None)`. class_index: the class explained.
      output_dir: below which the records are written, in a directory by time; None for
        `./logs/vanilla_gradients`.
    """

    method = "gradients"
    default_output_subdir = "vanilla_gradients"

    def __init__(
        self, validation_data: Any, class_index: int, output_dir: Directory | None = None
    ) -> None:
        where = output_dir or Path("./logs") / self.default_output_subdir
        super().__init__(validation_data, class_index, where, self.method)
