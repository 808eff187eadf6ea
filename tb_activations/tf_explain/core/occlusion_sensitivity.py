"""`OcclusionSensitivity`: a picture of what a class's score loses where the image is hidden."""

from __future__ import annotations

from typing import Any

import numpy as np

from tb_activations.tf_explain.pictures import Explainer, drawn_over, images_of

_WEIGHT = 0.7  # of the image below the map


class OcclusionSensitivity(Explainer):
    """S(x) − S(x with a patch hidden), signed, of the logit; see docs/attribution.md.

    Args:
      batch_size: how many hidden images run at once; None for 32.
    """

    method = "occlusion"

    def __init__(self, batch_size: int | None = None) -> None:
        self.batch_size = batch_size

    def explain(
        self,
        validation_data: Any,
        model: Any,
        class_index: int,
        patch_size: int,
        colormap: int | None = None,
    ) -> Any:
        """The images of `(x, y)` in rows, each with its map over it; uint8 `[height, width, 3]`.

        Args:
          patch_size: the sides of a patch, which lie side by side.
          colormap: taken, and without effect: the map is blue-white-red, since it is signed.
        """
        maps = self._patched(validation_data, model, class_index, patch_size)
        return drawn_over(maps, images_of(validation_data), _WEIGHT)

    def get_sensitivity_map(
        self, model: Any, image: Any, class_index: int, patch_size: int
    ) -> np.ndarray:
        """The signed map of one image, `[height, width]`."""
        return self._patched((np.asarray(image)[None], None), model, class_index, patch_size)[
            0, ..., 0
        ]

    def _patched(self, data: Any, model: Any, class_index: int, patch_size: int) -> np.ndarray:
        return self.maps(
            *(data, model, class_index),
            **{"patch": patch_size, "stride": patch_size, "batch_size": self.batch_size or 32},
        )
