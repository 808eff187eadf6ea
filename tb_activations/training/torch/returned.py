"""Which entries a module returns, and what made them: see `selection.Returned`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from tb_activations.training.selection import Returned
from tb_activations.training.torch.scoring import Endings, same_values
from tb_activations.training.torch.tensors import parts


def is_row(value: Any) -> bool:
    """Whether each example has one row of real numbers, `[n, k]`, `[n, 1, 1, k]`."""
    if not isinstance(value, torch.Tensor) or value.is_nested or value.layout != torch.strided:
        return False
    sides = value.shape[1:]
    return value.dtype.is_floating_point and sum(side != 1 for side in sides) <= 1 <= len(sides)


def returned_by(
    outputs: Any, endings: Endings, rows: Mapping[str, torch.Tensor]
) -> dict[str, Returned]:
    """Entry → how it is returned, of those whose values, `rows` by name, are a module's answer.

    The last one where several hold the same.
    """
    found = {}
    for part, value in parts(outputs):
        if not (is_row(value) or value.dim() == 1):
            continue
        ending = next((one for one in reversed(endings) if _same(one[2], value)), None)
        kind = ending[0] if ending else None
        name = _name(value, rows)
        if name is not None:
            found[name] = Returned(part, kind)
        elif ending is not None and (name := _name(ending[1], rows)) is not None:
            found[name] = Returned(part, kind, before=True)
    return found


def _name(value: torch.Tensor, rows: Mapping[str, torch.Tensor]) -> str | None:
    return next((name for name in reversed(list(rows)) if _same(rows[name], value)), None)


def _same(one: Any, value: torch.Tensor) -> bool:
    return one is value or same_values(one, value)
