"""How a pass begins and what it follows on its way back, made of what was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tb_activations.training.attribution.framework import Guided, Point, Relevance, Rules
from tb_activations.training.torch.guided import GuidedRules
from tb_activations.training.torch.relevance import RelevanceRules


class WayBack:
    """Of one pass.

    followed: the rules, None for plain gradients. begins: each input as a tensor that gradients are
    taken at. For relevance that is a factor of 1: the slope along it is value × gradient, that of
    the bounds among them.
    """

    def __init__(self, rules: Rules | None) -> None:
        self._rules = rules
        self.relevance = RelevanceRules(rules) if isinstance(rules, Relevance) else None
        self.followed = GuidedRules() if isinstance(rules, Guided) else self.relevance

    @property
    def around(self) -> Any:
        return None if self.followed is None else self.followed.call

    def begun(self, whole: torch.Tensor) -> torch.Tensor:
        return whole if self.relevance is None else torch.ones_like(whole)

    def given(self, begun: torch.Tensor, whole: torch.Tensor, place: Any) -> torch.Tensor:
        """What the model is given for an input that was begun so.

        A copy: what the model does to it in place is not done to what gradients are taken at.
        """
        if self.relevance is None:
            made: torch.Tensor = place(begun.clone())
            return made
        made = place(whole * begun)
        if isinstance(self._rules, Relevance) and self._rules.bounds is not None:
            low, high = (place(one * begun) for one in self._rules.bounds)
            self.relevance.start(made, low, high)
        return made

    def made(self, point: Point, gradient: Any, value: torch.Tensor) -> np.ndarray | None:
        """A gradient, or at a layer's output the relevance that it stands for."""
        if gradient is None or point.leaf is not None or self.relevance is None:
            return gradient
        return gradient * value.detach().cpu().numpy()
