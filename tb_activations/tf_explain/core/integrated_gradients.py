"""`IntegratedGradients`: a picture of what each pixel contributes from black on."""

from __future__ import annotations

from typing import Any

from tb_activations.tf_explain.pictures import Explainer, drawn


class IntegratedGradients(Explainer):
    """(x − x′) · ∫ ∂S/∂x, signed, of the logit; see docs/attribution.md."""

    method = "integrated_gradients"

    def explain(self, validation_data: Any, model: Any, class_index: int, n_steps: int = 10) -> Any:
        """A tile for each example of `(x, y)`; uint8 `[height, width, 3]`."""
        return drawn(self.maps(validation_data, model, class_index, steps=n_steps))
