"""Values on an accelerator → the sums of each channel and what is kept, fetched once a pass.

All values of a ResNet50 at 224 px and 32 examples are 4.8 GB; what a record needs of them is 30 MB.
So everything is computed where the values are, as they appear, and nothing waits until the pass is
over. The sums are made as if every value were an ordinary number, which takes half of the time;
`Odd` says where that was not so, and the pass is then made again with values told apart.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import torch

from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.piece import Piece, SumsPiece, Take
from tb_activations.training.plan import LayerPlan
from tb_activations.training.torch.tensors import foreign

HOSTS = ("cpu", "meta")  # devices that are no accelerators
# Which NumPy has, and which every accelerator can choose channels of.
_PLAIN_DTYPES = (
    torch.float16, torch.float32, torch.float64, torch.bool, torch.uint8, torch.int8, torch.int16,
    torch.int32, torch.int64,
)  # fmt: skip
_HEADROOM = 2.0**-64  # keeps sums of values near 1e308 finite, and is exact
_WEAK = float(np.finfo(np.float32).tiny) * 2.0**40  # below it a subnormal is felt in a mean


class Odd(Exception):
    """Values that are no ordinary numbers (NaN, infinite, subnormal) among those gathered."""


@dataclass(frozen=True)
class _Place:
    """Where one layer stands in the arrays that are fetched; `piece` where it is there already."""

    name: str
    piece: Piece | None = None
    channels: int = 0
    total: int = 0
    summed: torch.dtype = torch.float32
    dtype: torch.dtype = torch.float32
    kept: tuple[int, ...] = ()
    source: str | None = None


def can_sum(value: torch.Tensor) -> bool:
    """Whether the values can be summed where they are."""
    return (
        not (value.is_complex() or value.is_quantized or value.is_nested)
        and value.layout == torch.strided
        and not hasattr(value, "full_tensor")
        and value.numel() > 0
        and not (value.device.type == "mps" and _working_dtype(value) == torch.float64)
    )


def on_accelerator(value: torch.Tensor) -> bool:
    """Whether the values can be summed where they are, which is not this host."""
    return value.device.type not in HOSTS and can_sum(value)


def _working_dtype(value: torch.Tensor) -> torch.dtype:
    """As `record.statistics.working_dtype`: float64 for what float32 cannot count."""
    if value.dtype.is_floating_point:
        return torch.float64 if value.dtype == torch.float64 else torch.float32
    return torch.float64 if value.itemsize >= 4 else torch.float32


def summed_alone(
    value: torch.Tensor, layer: LayerPlan, keep: int
) -> tuple[np.ndarray, ChannelStatistics]:
    """What is kept of one tensor that can be summed, and its statistics; no more is fetched."""
    found: list[Piece] = []
    value, ids = value.detach(), Chosen()(layer, value)
    for apart in (False, True):
        gathered = Gathered(apart)
        gathered.add(layer, value, keep, ids)
        with contextlib.suppress(Odd):
            gathered.hand_over(len(value), keep, lambda _, piece: found.append(piece))
            break
    return found[0].kept_values(layer), found[0].statistics(layer)


class Gathered:
    """What one pass over one slice shows, in the order in which it was added.

    Args:
      apart: whether NaN, infinities and subnormals are told apart from ordinary numbers.
    """

    def __init__(self, apart: bool) -> None:
        self._apart = apart
        self._places: list[_Place] = []
        self._counts: list[torch.Tensor] = []
        self._reals: list[torch.Tensor] = []
        self._kept: dict[torch.dtype, list[torch.Tensor]] = {}

    def add_piece(self, name: str, piece: Piece) -> None:
        """What is on the host already."""
        self._places.append(_Place(name, piece))

    def add(
        self, layer: LayerPlan, value: torch.Tensor, keep: int, ids: torch.Tensor | None
    ) -> None:
        """One layer's values `[n, c, …]` or `[n, …, c]`; later writes to them do not count.

        Args:
          ids: of the channels that are kept, None for all.
        """
        value = value.detach()
        axis = 1 if layer.channels_first else value.dim() - 1
        channels = value.shape[axis]
        wide = value.to(_working_dtype(value))
        dims = [i for i in range(value.dim()) if i != axis]
        counts, reals = (_told_apart if self._apart else _plain)(wide, axis, dims)
        self._counts.append(counts)
        self._reals.append(reals)
        kept = _kept(value if value.dtype in _PLAIN_DTYPES else wide, layer, keep, ids)
        self._kept.setdefault(kept.dtype, []).append(kept.reshape(-1))
        total = value.numel() // channels
        shape = tuple(kept.shape)
        dtypes = wide.dtype, kept.dtype
        self._places.append(
            _Place(layer.name, None, channels, total, *dtypes, shape, foreign(value))
        )

    def hand_over(self, examples: int, keep: int, take: Take) -> None:
        """Waits for the device, and takes every piece.

        Raises:
          Odd: before any piece was taken; the sums are of ordinary numbers and there are others.
        """
        counts, reals = self._sums()
        if not self._apart:
            self._check(reals)
        joined = [_joined(one) for one in self._kept.values()]
        kept = dict(zip(self._kept, _fetched(joined), strict=True))
        at, used = 0, dict.fromkeys(kept, 0)
        for place in self._places:
            if place.piece is not None:
                take(place.name, place.piece)
                continue
            rows = _rows(place, counts[at : at + 2], reals[at * 2 : at * 2 + 4])
            at += 2
            size = int(np.prod(place.kept))
            start = used[place.dtype]
            used[place.dtype] = start + size
            values = kept[place.dtype][start : start + size].reshape(place.kept)
            take(place.name, SumsPiece(examples, keep, rows, values, place.source))

    def _sums(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Two counts and four reals of each layer that was added, on the host."""
        if not self._counts:
            return [], []
        counts, reals = _fetched([_joined(self._counts), _joined(self._reals)])
        channels = [place.channels for place in self._places if place.piece is None]
        halves, quarters = np.repeat(channels, 2), np.repeat(channels, 4)
        return np.split(counts, np.cumsum(halves)[:-1]), np.split(reals, np.cumsum(quarters)[:-1])

    def _check(self, reals: list[np.ndarray]) -> None:
        for i in range(0, len(reals), 4):
            low, high, mean, variance = reals[i : i + 4]
            if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
                raise Odd
            largest = np.maximum(np.abs(low), np.abs(high))
            if ((largest > 0) & (largest < _WEAK)).any():
                raise Odd


def _joined(values: list[torch.Tensor]) -> torch.Tensor:
    """One after the other, on the device of the first: a model may lie on several."""
    return torch.cat([one.to(values[0].device) for one in values])


def _fetched(values: list[torch.Tensor]) -> list[np.ndarray]:
    """On the host, by way of pinned memory where there is such, all at once."""
    arrays = [one.to("cpu", non_blocking=one.is_cuda) for one in values]
    if values and values[0].is_cuda:
        torch.cuda.current_stream(values[0].device).synchronize()
    return [one.numpy() for one in arrays]


class Chosen:
    """The channels that are kept of each layer, on the device where they are chosen."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, int, torch.device], torch.Tensor] = {}

    def __call__(self, layer: LayerPlan, value: torch.Tensor) -> torch.Tensor | None:
        """Those of `value` `[n, c, …]` or `[n, …, c]`; None for all."""
        if layer.channel_ids is None:
            return None
        channels = value.shape[1 if layer.channels_first else -1]
        key = layer.name, channels, value.device
        if key not in self._ids:
            # There may be fewer than were planned for; out of range is fatal on a device.
            ids = [i for i in layer.channel_ids if i < channels]
            self._ids[key] = torch.tensor(ids, device=value.device)
        return self._ids[key]


def _kept(
    value: torch.Tensor, layer: LayerPlan, keep: int, ids: torch.Tensor | None
) -> torch.Tensor:
    """`[keep, *spatial, c]`, a copy."""
    kept = value[:keep]
    if layer.channels_first:
        kept = kept.movedim(1, -1)
    if ids is None:
        return kept.clone(memory_format=torch.contiguous_format)
    return kept.index_select(-1, ids)


def _rows(place: _Place, counts: list[np.ndarray], reals: list[np.ndarray]) -> np.ndarray:
    """float64 `[7, c]`, the rows of `record.statistics.Sums`."""
    low, high, mean, variance = reals
    finite, zeros = counts
    rows = np.empty((7, place.channels), np.float64)
    tiny = torch.finfo(place.summed).tiny
    rows[0] = place.total
    rows[1] = finite
    rows[2] = zeros
    rows[3] = np.where(np.abs(low) < tiny, 0, low)
    rows[4] = np.where(np.abs(high) < tiny, 0, high)
    rows[5] = mean
    rows[6] = variance
    return rows


def _plain(value: torch.Tensor, axis: int, dims: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """int64 `[2·c]` (finite, zeros) and real `[4·c]` (min, max, mean, variance)."""
    variance, mean = torch.var_mean(value, dims, correction=0)
    zeros = (value.abs() < torch.finfo(value.dtype).tiny).sum(dims)
    finite = torch.full_like(zeros, value.numel() // value.shape[axis])
    low, high = value.amin(dims), value.amax(dims)
    return torch.cat([finite, zeros]), torch.cat([low, high, mean, variance])


def _told_apart(
    value: torch.Tensor, axis: int, dims: list[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """As `_plain`, over the finite values, subnormals as 0."""
    tiny = torch.finfo(value.dtype).tiny
    finite = torch.isfinite(value)
    normal = finite & (value.abs() >= tiny)
    plain = torch.where(normal, value, 0.0)
    low = torch.where(finite, plain, torch.inf).amin(dims)
    high = torch.where(finite, plain, -torch.inf).amax(dims)
    zeros = (finite & ~normal).sum(dims)
    count = finite.sum(dims)
    number = count.clamp(min=1)
    wide, headroom = (plain, 1.0) if value.device.type == "mps" else (plain.double(), _HEADROOM)
    mean = (wide * headroom).sum(dims) / number / headroom
    centred = wide - mean.view([-1 if i == axis else 1 for i in range(value.dim())])
    variance = torch.where(finite, centred, 0.0).square().sum(dims) / number
    return torch.cat([count, zeros]), torch.cat([low, high, mean, variance])
