"""`SmoothGrad`: a picture of the gradients around an image, whose fine noise cancels."""

from __future__ import annotations

from typing import Any

from tb_activations.tf_explain.pictures import Explainer, drawn


class SmoothGrad(Explainer):
    """The mean of ∂S/∂x near the image, signed, of the logit; see docs/attribution.md."""

    method = "smooth_grad"

    def explain(
        self,
        validation_data: Any,
        model: Any,
        class_index: int,
        num_samples: int = 5,
        noise: float = 1.0,
    ) -> Any:
        """A tile for each example of `(x, y)`; uint8 `[height, width, 3]`.

        Args:
          noise: its standard deviation, as a share of the range of each image's values: for images
            of 0 to 1 what tf-explain takes.
        """
        return drawn(
            self.maps(validation_data, model, class_index, samples=num_samples, noise=noise)
        )
