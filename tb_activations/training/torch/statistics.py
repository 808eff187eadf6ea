"""`record.statistics` in torch's ops: the same numbers a channel, at a third of the cost on a CPU.

Sums of float32 are made in float32 over one example, or over some rows, and put together in
float64. What is not finite, or so small or large that squares would leave float32, goes the way of
NumPy, which masks and widens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.piece import ValuesPiece
from tb_activations.training.plan import LayerPlan

_TINY = float(np.finfo(np.float32).tiny)
_BELOW_TINY = float(np.nextafter(np.float32(_TINY), np.float32(0)))
_RANGES = (1e-12, 1e18)  # values whose squares neither underflow nor overflow float32
_BLOCK_VALUES = 1 << 17
_FEW = 1 << 12  # for which calls of torch cost more than they save


@dataclass(frozen=True)
class TensorPiece(ValuesPiece):
    """All values of a slice, whose statistics torch computes."""

    def statistics(self, layer: LayerPlan) -> ChannelStatistics:
        fast = statistics(self.values, layer.channels_first)
        return super().statistics(layer) if fast is None else fast


def statistics(values: np.ndarray, channels_first: bool) -> ChannelStatistics | None:
    """Of `[n, c, …]` or `[n, …, c]`; None for what another way must be gone for."""
    if values.dtype != np.float32 or values.size < _FEW or values.ndim < 2:
        return None
    tensor = torch.from_numpy(values)
    if channels_first and values.ndim > 2:
        return _of_rows(tensor.reshape(len(values), values.shape[1], -1))
    merged: ChannelStatistics | None = None
    rows = tensor.reshape(-1, values.shape[-1], 1)
    for some in rows.split(max(1, _BLOCK_VALUES // values.shape[-1])):
        one = _of_rows(some)
        if one is None:
            return None
        merged = one if merged is None else merged.merge(one)
    return merged


def _of_rows(rows: torch.Tensor) -> ChannelStatistics | None:
    """Of `[r, c, p]`, in pieces of some channels that fit into a cache."""
    count, _, places = rows.shape
    found = [_of(one) for one in rows.split(max(1, _BLOCK_VALUES // (count * places)), 1)]
    whole = [one for one in found if one is not None]
    return _joined(whole, rows) if len(whole) == len(found) else None


def _of(block: torch.Tensor) -> torch.Tensor | None:
    """float32 `[5, c]`: smallest, largest, mean, squared deviations, values that are not zero.

    Each is reduced over rows first, which lie beside each other for it.
    """
    low, high = block.amin(0).amin(1), block.amax(0).amax(1)
    mean = block.sum(0).sum(1) / (block.shape[0] * block.shape[2])
    largest = torch.maximum(low.abs(), high.abs())
    strange = ~torch.isfinite(mean) | (largest > _RANGES[1])
    strange |= (largest > 0) & (largest < _RANGES[0])
    if bool(strange.any()):
        return None
    deviations = block - mean[:, None]
    m2 = deviations.mul_(deviations).sum(0).sum(1)
    shown = torch.hardshrink(block, _BELOW_TINY, out=deviations).sign_().abs_().sum(0).sum(1)
    return torch.stack([low, high, mean, m2, shown])


def _joined(found: list[torch.Tensor], rows: torch.Tensor) -> ChannelStatistics:
    low, high, mean, m2, shown = torch.cat(found, 1).double().numpy()
    count = rows.shape[0] * rows.shape[2]
    return ChannelStatistics(
        total=count,
        finite=np.full(len(low), count, np.int64),
        zeros=count - shown.astype(np.int64),
        min=_flushed(low),
        max=_flushed(high),
        mean=mean,
        m2=m2,
    )


def _flushed(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) < _TINY, 0.0, values)
