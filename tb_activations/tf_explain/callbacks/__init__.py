"""The callbacks, imported when they are asked for."""

from __future__ import annotations

from tb_activations.tf_explain.named import from_homes

_HOMES = {
    "ActivationsVisualizationCallback": "activations_visualization",
    "GradCAMCallback": "grad_cam",
    "GradientsInputsCallback": "gradients_inputs",
    "IntegratedGradientsCallback": "integrated_gradients",
    "OcclusionSensitivityCallback": "occlusion_sensitivity",
    "SmoothGradCallback": "smoothgrad",
    "VanillaGradientsCallback": "vanilla_gradients",
}

__all__ = list(_HOMES)
__getattr__ = from_homes(__name__, _HOMES)
