"""`GradientsInputsCallback`: gradient × input of one class, as training goes on."""

from __future__ import annotations

from tb_activations.tf_explain.callbacks.vanilla_gradients import VanillaGradientsCallback


class GradientsInputsCallback(VanillaGradientsCallback):
    """As `VanillaGradientsCallback`, in `./logs/gradients_inputs` where nothing is said."""

    method = "gradient_x_input"
    default_output_subdir = "gradients_inputs"
