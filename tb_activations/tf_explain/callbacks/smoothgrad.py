"""`SmoothGradCallback`: the mean of noisy gradients of one class, as training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tb_activations.tf_explain.callbacks.logged import Directory, LoggedMaps


class SmoothGradCallback(LoggedMaps):
    """Logs the maps for the Activations tab, at the start and after each epoch.

    Args:
      validation_data: `(x, y)` or `(x, None)`. class_index: the class explained.
      num_samples: how many noisy images. noise: its standard deviation, as a share of the range of
        each image's values; the same at every step.
      output_dir: below which the records are written, in a directory by time.
    """

    def __init__(
        self,
        validation_data: Any,
        class_index: int,
        num_samples: int = 5,
        noise: float = 1.0,
        output_dir: Directory = Path("./logs/smoothgrad"),
    ) -> None:
        super().__init__(
            validation_data, class_index, output_dir, "smooth_grad", samples=num_samples,
            noise=noise,
        )  # fmt: skip
        self.num_samples, self.noise = num_samples, noise
