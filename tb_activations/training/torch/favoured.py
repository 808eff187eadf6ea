"""The rule of γ written out for the way back, in as few passes over the values as can be.

A unit of value w = s · p + b, p what its inputs add to it (a above zero, p − a below) and s > 0 or
< 0 what a folded normalisation multiplies with, is shared out as the terms of

    t = f · w + c · (s a or s (p − a), what has w's sign, and b where it has) + ε with w's sign,

f = 1 and c = γ, or 0 and 1 where γ is infinite. With d = 2 a − p, all that inputs add or take away,

    |t| = (f + c/2) |w| + c/2 (|s| d + |b|) + ε, of w's sign: no case has to be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from tb_activations.training.torch.linear import Linear

# Of a batch normalisation: what it multiplies with, and then adds.
Folded = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Favoured:
    """The slopes of one linear function with a gradient at its value.

    linear: the call. folded: the normalisation behind it. gamma: 0 for ε alone.
    """

    linear: Linear
    folded: Folded | None
    gamma: float
    epsilon: float

    def __call__(
        self, grad: torch.Tensor, given: tuple[torch.Tensor, ...], _: Any
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        """At what the function was given, and at what it returned; given: these two."""
        linear = self.linear.of(*given)
        plain, whole, scale, bias = self._parts(linear)
        if not self.gamma:
            size = whole.abs()
            slope = _shares(size, size + self.epsilon).mul_(grad)
            return None, slope if scale is None else slope.mul_(scale)
        kept, most = (0.0, 1.0) if self.gamma == float("inf") else (1.0, self.gamma)
        half, size = most / 2, whole.abs()
        with torch.enable_grad():
            x = linear.x.detach().requires_grad_()
            found, above = _added(linear.of(x, linear.z), exact=not kept)
            moved = found.detach()
        moved = torch.sub(plain, moved, alpha=2).neg_() if above else moved.clone()
        moved.mul_(half if scale is None else scale.abs() * half)
        moved.add_(self.epsilon if bias is None else bias.abs() * half + self.epsilon)
        total = moved.add_(size, alpha=kept + half)
        at_moved, at_z = _shares(whole, total).mul_(grad), _shares(size, total).mul_(grad)
        times = most if above else half  # d is 2 a − p
        at_moved.mul_(times if scale is None else scale.abs() * times)
        at_z.mul_(kept + half if scale is None else scale * (kept + half))
        if above:
            at_z.sub_(at_moved, alpha=0.5)
        return torch.autograd.grad(found, x, at_moved)[0], at_z

    def _parts(self, linear: Linear) -> tuple[torch.Tensor, torch.Tensor, Any, Any]:
        """p, w, s and b; None for s and b where there is none."""
        plain = linear.without_bias
        if self.folded is None:
            return plain, linear.z, None, linear.bias
        scale, bias = self.folded
        return plain, torch.addcmul(bias, scale, plain), scale, bias


def _added(linear: Linear, exact: bool) -> tuple[torch.Tensor, bool]:
    """a, and True; or d, and False, which takes one call where inputs are of either sign.

    exact: whether what adds nothing must get nothing, to the bit, which only a gives.
    """
    if linear.is_positive:
        return linear.run(linear.x, linear.weight.clamp(min=0)), True
    if exact:
        return linear.above(), True
    return linear.run(linear.x.abs(), linear.weight.abs()), False


def _shares(value: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    """Value ÷ a total that is no less than 0; 0 where both are."""
    return value / total.clamp_(min=torch.finfo(total.dtype).tiny)
