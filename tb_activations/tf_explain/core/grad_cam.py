"""`GradCAM`: a picture of where in the image a class is seen."""

from __future__ import annotations

from typing import Any

from tb_activations.tf_explain.pictures import Explainer, drawn_over, images_of


class GradCAM(Explainer):
    """Grad-CAM of the logit, signed, over the images; see docs/attribution.md."""

    method = "grad_cam"

    def explain(
        self,
        validation_data: Any,
        model: Any,
        class_index: int,
        layer_name: str | None = None,
        use_guided_grads: bool = True,
        colormap: int | None = None,
        image_weight: float = 0.7,
    ) -> Any:
        """The images of `(x, y)` in rows, each with its map over it; uint8 `[height, width, 3]`.

        Args:
          layer_name: None for the last layer that shows an example at several positions.
          use_guided_grads, colormap: taken, and without effect: the map is the paper's, in
            blue-white-red, since it is signed.
          image_weight: of the image below the map, 0 to 1.
        """
        maps = self.maps(validation_data, model, class_index, layer=layer_name)
        return drawn_over(maps, images_of(validation_data), image_weight)
