"""A value whose relevance is shared out as the terms of a sum, which is made on the way back.

What is kept of a function for the way back is what it was given and what it returned; its
contributions of each sign, and all that is computed with them, live as long as its own turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from tb_activations.training.torch.private import without_functions

# Of tensors: the sum, and the value that it is for.
Shared = Callable[..., tuple[torch.Tensor, torch.Tensor]]


class _SharedOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Any, shared: Shared, epsilon: float, *given: Any) -> Any:
        ctx.save_for_backward(*given)
        ctx.shared, ctx.epsilon = shared, epsilon
        return value.clone()  # it may be written over, what is kept may not

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:  # type: ignore[override]
        wanted = ctx.needs_input_grad[3:]
        given = [one.detach().requires_grad_(wants)
                 for one, wants in zip(ctx.saved_tensors, wanted, strict=True)]  # fmt: skip
        with without_functions(), torch.enable_grad():
            total, whole = ctx.shared(*given)
            slope = grad * _quotient(whole.detach(), total.detach(), ctx.epsilon)
            leaves = [one for one in given if one.requires_grad]
            slopes = iter(torch.autograd.grad(total, leaves, slope, allow_unused=True))
        return None, None, None, *(next(slopes) if wants else None for wants in wanted)


def shared_out(
    value: torch.Tensor, shared: Shared, given: Sequence[torch.Tensor], epsilon: float
) -> torch.Tensor:
    """The value to the bit; its slope is that of `shared` of what is given, value ÷ sum held."""
    out: torch.Tensor = _SharedOut.apply(value, shared, epsilon, *given)  # type: ignore[no-untyped-call]
    return out


@torch.no_grad()
def _quotient(value: torch.Tensor, total: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Value ÷ total, ε away from zero."""
    below = torch.where(total >= 0, total + epsilon, total - epsilon)
    return value / torch.where(below == 0, torch.ones_like(below), below)
