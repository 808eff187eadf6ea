"""Grad-CAM++: as Grad-CAM, with the positions of each map weighed by how sharply they count.

Σₖ wₖ Aᵏ with wₖ = Σ α ReLU(g) over the positions, g = dS/dAᵏ and α = g² / (2 g² + g³ Σ Aᵏ), zero
where g is (A. Chattopadhay et al., Grad-CAM++, 2017, arXiv:1710.11063, equation 19, for Y = exp S:
the factor exp S stands above and below in α, and is left out of the map, which it only scales).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tb_activations.training.attribution.grad_cam import GradCam
from tb_activations.training.attribution.question import Question

POLE = (
    "a weight of grad_cam_plus_plus divides by a number that is not positive, since the layer's "
    "values are negative there: its sign says nothing; choose a layer behind a ReLU, or "
    "method='grad_cam'"
)


@dataclass(frozen=True)
class GradCamPlusPlus(GradCam):
    """One pass forward and back, as Grad-CAM. relu: the positive part."""

    name: ClassVar[str] = "grad_cam_plus_plus"

    def weights(self, values: np.ndarray, gradients: np.ndarray, question: Question) -> np.ndarray:
        axes = tuple(range(1, values.ndim - 1))
        positive = np.maximum(gradients, 0).astype(np.float64)
        # α · ReLU(g) = g / (2 + g Σ A) where g is positive, and 0 elsewhere.
        below = 2 + positive * values.sum(axis=axes, keepdims=True, dtype=np.float64)
        if (below <= 0).any():
            question.remark(POLE)
        return (positive / np.where(below == 0, np.inf, below)).sum(axis=axes, keepdims=True)
