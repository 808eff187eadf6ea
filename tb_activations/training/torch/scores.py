"""Attention scores `[n, heads, q, k]`, computed beside the kernel that attends without them.

They are softmax(q kᵀ · scale + mask) in the dtype of the query, as PyTorch's documentation of
`scaled_dot_product_attention` gives it; the kernel's own rounding is its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

_NAMES = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
MAX_BYTES = 64 << 20  # of one example; more are left out, with a word


@dataclass(frozen=True)
class Scores:
    """The scores of one call, computed when asked for, example by example where they are many.

    query: `[n, heads, q, d]`. key: `[n, heads, k, d]`. mask: broadcast to `[n, heads, q, k]`,
    True where it attends or added to the logits.
    """

    query: torch.Tensor
    key: torch.Tensor
    mask: torch.Tensor | None
    scale: float

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.query.shape[:-1], self.key.shape[-2])

    @property
    def dtype(self) -> torch.dtype:
        return self.query.dtype

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.query.itemsize

    def of(self, start: int, stop: int) -> torch.Tensor:
        """Of the examples `start` to `stop`, whatever autocast would make of it."""
        with torch.autocast(self.query.device.type, enabled=False):
            return self._of(start, stop)

    def _of(self, start: int, stop: int) -> torch.Tensor:
        query, key = self.query[start:stop], self.key[start:stop].to(self.dtype)
        logits = query @ key.transpose(-2, -1) * self.scale
        if self.mask is None:
            return logits.softmax(-1)
        mask = self.mask
        if mask.dim() == 4 and mask.shape[0] > 1:
            mask = mask[start:stop]
        if mask.dtype == torch.bool:
            mask = torch.zeros_like(mask, dtype=logits.dtype).masked_fill_(~mask, -math.inf)
        mask = mask.to(logits.dtype)
        # A row that attends to nothing has no scores; kernels answer with zeros there.
        nothing = (mask == -math.inf).all(-1, keepdim=True)
        return (logits + mask).softmax(-1).masked_fill(nothing, 0.0)

    def whole(self) -> torch.Tensor:
        return self.of(0, self.shape[0])


def scores_of(args: tuple, kwargs: Mapping[str, Any]) -> Scores | None:
    """Of a call of `scaled_dot_product_attention`; None where it is not by example and head."""
    given = {**dict(zip(_NAMES, args, strict=False)), **kwargs}
    query, key = given["query"], given["key"]
    if query.dim() != 4 or query.is_nested:
        return None
    if given.get("enable_gqa"):
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    mask = given.get("attn_mask")
    if given.get("is_causal"):
        sides = query.shape[-2], key.shape[-2]
        mask = torch.ones(sides, dtype=torch.bool, device=query.device).tril()
    scale = given.get("scale")
    return Scores(query, key, mask, 1 / math.sqrt(query.shape[-1]) if scale is None else scale)
