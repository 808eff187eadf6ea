"""Guided SmoothGrad: SmoothGrad of gradients that pass a ReLU only where they are positive.

A ReLU passes back a gradient where it and what the ReLU was given are positive (J. Springenberg
et al., Striving for simplicity, 2014, arXiv:1412.6806, guided backpropagation, which one sample
without noise is; smoothed: D. Smilkov et al., SmoothGrad, 2017, arXiv:1706.03825, section 3).

It shows edges more than what the class rests on: with random weights the maps hardly change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tb_activations.training.attribution.framework import Guided, Rules
from tb_activations.training.attribution.smooth_grad import SmoothGrad


@dataclass(frozen=True)
class GuidedSmoothGrad(SmoothGrad):
    """As many passes forward and back as there are samples; options as SmoothGrad's."""

    name: ClassVar[str] = "guided_smooth_grad"
    rules: ClassVar[Rules | None] = Guided()
