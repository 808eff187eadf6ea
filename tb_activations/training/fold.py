"""Rows that are several to an example: `[k·n, …]` → `[n, k, …]`.

A model folds frames, windows or views of an example into the batch. Which rows are an example's is
read off two batches, of which one is the beginning of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.record.options import check_rank


@dataclass(frozen=True)
class Fold:
    """rows: of each example. apart: it has the rows i, i + n, …; else they are neighbours."""

    rows: int
    apart: bool = False

    def shape(self, shape: Sequence[int], channels_first: bool) -> tuple[int, ...]:
        """Of what `unfolded` returns for an array of this shape."""
        sides = (int(shape[0]) // self.rows, self.rows, *shape[1:])
        return (sides[0], sides[2], sides[1], *sides[3:]) if channels_first else sides

    def unfolded(self, values: Any, channels_first: bool, ops: Any = np) -> Any:
        """`[n, rows, …]`, channels last or, as they were, first: `[n, c, rows, …]`.

        Args:
          ops: has `reshape` and `swapaxes` for the arrays.
        """
        sides = tuple(int(side) for side in values.shape[1:])
        if self.apart:
            folded = ops.swapaxes(ops.reshape(values, (self.rows, -1, *sides)), 0, 1)
        else:
            folded = ops.reshape(values, (-1, self.rows, *sides))
        return ops.swapaxes(folded, 1, 2) if channels_first else folded


def fold_of(few: np.ndarray, many: np.ndarray, counts: tuple[int, int]) -> Fold | str:
    """How the rows of a layer belong to examples, or why they do not.

    Args:
      few: what it returns for the first `counts[0]` examples. many: for `counts[1]`, more.
    """
    rows = [len(few) / counts[0], len(many) / counts[1]]
    if len(few) == len(many):
        return f"it returns {len(few)} rows whatever the number of examples"
    if rows[0] != rows[1] or rows[0] != int(rows[0]):
        both = [f"{len(one)} for {n}" for one, n in zip((few, many), counts, strict=True)]
        return f"its rows do not go by examples: {' and '.join(both)}"
    try:
        check_rank(few.ndim + 1)
    except ValueError:
        return f"{int(rows[0])} rows an example of {few.ndim - 1} axes are more than 5 axes"
    for fold in (Fold(int(rows[0])), Fold(int(rows[0]), apart=True)):
        if _begins(fold.unfolded(many, False), fold.unfolded(few, False)):
            return fold
    return "its rows change with the other examples of the batch"


def _begins(many: np.ndarray, few: np.ndarray) -> bool:
    """Whether the first examples are the same but for rounding."""
    a, b = (np.asarray(one, np.float64) for one in (many[: len(few)], few))
    finite = np.abs(b[np.isfinite(b)])
    largest = finite.max() if finite.size else 0.0
    allowed = (2e-2 if few.dtype.itemsize < 4 else 1e-3) * largest
    return a.shape == b.shape and np.allclose(a, b, rtol=0, atol=allowed, equal_nan=True)
