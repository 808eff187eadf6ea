"""`GradientsInputs`: a picture of the gradients times the inputs."""

from __future__ import annotations

from tb_activations.tf_explain.core.vanilla_gradients import VanillaGradients


class GradientsInputs(VanillaGradients):
    """x · ∂S/∂x, signed, of the logit; see docs/attribution.md."""

    method = "gradient_x_input"
