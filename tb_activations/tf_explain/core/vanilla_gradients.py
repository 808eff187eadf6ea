"""`VanillaGradients`: a picture of the gradients of a class's score."""

from __future__ import annotations

from typing import Any

from tb_activations.tf_explain.pictures import Explainer, drawn


class VanillaGradients(Explainer):
    """∂S/∂x, signed, of the logit; see docs/attribution.md."""

    method = "gradients"

    def explain(self, validation_data: Any, model: Any, class_index: int) -> Any:
        """A tile for each example of `(x, y)`; uint8 `[height, width, 3]`."""
        return drawn(self.maps(validation_data, model, class_index))
