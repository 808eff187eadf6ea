"""A value whose relevance is shared out as the terms of a sum, which is made on the way back.

What is kept of a function for the way back is what it was given and what it returned; its
contributions of each sign, and all that is computed with them, live as long as its own turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tb_activations.training.torch.private import without_functions

# Of tensors: the sum, and the value that it is for.
Shared = Callable[..., tuple[torch.Tensor, torch.Tensor]]
# Of the gradient at a value, what was given, and whether a slope is wanted at each: the slopes.
Slopes = Callable[..., Sequence[torch.Tensor | None]]


class _SharedOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Any, slopes: Slopes, *given: Any) -> Any:
        ctx.save_for_backward(*given)
        ctx.slopes = slopes
        return value.clone()  # it may be written over, what is kept may not

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:  # type: ignore[override]
        with without_functions():
            made = ctx.slopes(grad, ctx.saved_tensors, ctx.needs_input_grad[2:])
        return None, None, *made


@dataclass(frozen=True)
class OfTerms:
    """The slopes of a sum, the value ÷ the sum held."""

    shared: Shared
    epsilon: float

    def __call__(
        self, grad: torch.Tensor, kept: Sequence[torch.Tensor], wanted: Sequence[bool]
    ) -> list[torch.Tensor | None]:
        given = [one.detach().requires_grad_(wants)
                 for one, wants in zip(kept, wanted, strict=True)]  # fmt: skip
        with torch.enable_grad():
            total, whole = self.shared(*given)
            slope = grad * _quotient(whole.detach(), total.detach(), self.epsilon)
            leaves = [one for one in given if one.requires_grad]
            slopes = iter(torch.autograd.grad(total, leaves, slope, allow_unused=True))
        return [next(slopes) if wants else None for wants in wanted]


def shared_out(value: torch.Tensor, slopes: Slopes, given: Sequence[torch.Tensor]) -> torch.Tensor:
    """The value to the bit, with these slopes at what is given."""
    out: torch.Tensor = _SharedOut.apply(value, slopes, *given)  # type: ignore[no-untyped-call]
    return out


@torch.no_grad()
def _quotient(value: torch.Tensor, total: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Value ÷ total, ε away from zero."""
    below = torch.where(total >= 0, total + epsilon, total - epsilon)
    return value / below.masked_fill_(below == 0, 1)
