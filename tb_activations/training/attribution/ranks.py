"""Spearman's rank correlation of maps."""

from __future__ import annotations

import numpy as np


def rank_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`[rows]` of two arrays `[rows, values]`: from −1 over 0 to 1, ties by their mean rank.

    NaN where all values of a row are the same, or one of them is not finite: such a map has no
    order that another could agree with.
    """
    return np.array([_of_row(a, b) for a, b in zip(one, other, strict=True)])


def _of_row(a: np.ndarray, b: np.ndarray) -> float:
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")
    p, q = _ranks(a), _ranks(b)
    size = np.sqrt((p * p).sum() * (q * q).sum())
    return float((p * q).sum() / size) if size else float("nan")


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks about zero."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[place.reshape(-1)]
    return ranks - ranks.mean()
