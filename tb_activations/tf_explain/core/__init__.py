"""The classes with `explain` and `save`, imported when they are asked for."""

from __future__ import annotations

from tb_activations.tf_explain.named import from_homes

_HOMES = {
    "ExtractActivations": "activations",
    "GradCAM": "grad_cam",
    "GradientsInputs": "gradients_inputs",
    "IntegratedGradients": "integrated_gradients",
    "OcclusionSensitivity": "occlusion_sensitivity",
    "SmoothGrad": "smoothgrad",
    "VanillaGradients": "vanilla_gradients",
}

__all__ = list(_HOMES)
__getattr__ = from_homes(__name__, _HOMES)
