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
_PLAIN_DTYPES = (torch.float16, torch.float32, torch.float64)
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
    dtype: torch.dtype = torch.float32
    kept: tuple[int, ...] = ()
    source: str | None = None


def can_sum(value: torch.Tensor) -> bool:
    """Whether the values can be summed where they are."""
    return (
        value.dtype.is_floating_point
        and value.layout == torch.strided
        and not value.is_nested
        and not hasattr(value, "full_tensor")
        and value.numel() > 0
    )


def on_accelerator(value: torch.Tensor) -> bool:
    """Whether the values can be summed where they are, which is not this host."""
    return value.device.type not in HOSTS and can_sum(value)


def summable(value: torch.Tensor) -> torch.Tensor | None:
    """A tensor of real numbers that is on an accelerator, as floats that hold them; None of others,
    of which all must be fetched."""
    value = value.detach()
    whole = value.dtype.is_floating_point or value.is_quantized or value.is_complex()
    if not whole and value.layout == torch.strided and value.device.type not in HOSTS:
        wide = torch.float32 if value.itemsize <= 2 else torch.float64
        if value.device.type == "mps" and wide == torch.float64:  # which has none
            return None
        value = value.to(wide)
    return value if on_accelerator(value) else None


def summed_alone(
    value: torch.Tensor, layer: LayerPlan, keep: int
) -> tuple[np.ndarray, ChannelStatistics]:
    """What is kept of one summable tensor, and its statistics; nothing else is fetched."""
    found: list[Piece] = []
    ids = Chosen()(layer, value)
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
        wide = value if value.dtype in (torch.float32, torch.float64) else value.float()
        dims = [i for i in range(value.dim()) if i != axis]
        counts, reals = (_told_apart if self._apart else _plain)(wide, axis, dims)
        self._counts.append(counts)
        self._reals.append(reals)
        kept = _kept(value if value.dtype in _PLAIN_DTYPES else wide, layer, keep, ids)
        self._kept.setdefault(kept.dtype, []).append(kept.reshape(-1))
        total = value.numel() // channels
        shape = tuple(kept.shape)
        place = _Place(layer.name, None, channels, total, kept.dtype, shape, foreign(value))
        self._places.append(place)

    def hand_over(self, examples: int, keep: int, take: Take) -> None:
        """Waits for the device, and takes every piece.

        Raises:
          Odd: before any piece was taken; the sums are of ordinary numbers and there are others.
        """
        counts, reals, kept = self._fetched()
        if not self._apart:
            self._check(reals)
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

    def _fetched(self) -> tuple[list[np.ndarray], list[np.ndarray], dict[torch.dtype, np.ndarray]]:
        """All that was added, on the host: two counts and four reals a layer, kept values."""
        if not self._counts:
            return [], [], {}
        packed = [torch.cat(self._counts), torch.cat(self._reals)]
        packed += [torch.cat(one) for one in self._kept.values()]
        # To pinned memory where there is such, all at once.
        arrays = [one.to("cpu", non_blocking=one.is_cuda) for one in packed]
        if packed[0].is_cuda:
            torch.cuda.current_stream(packed[0].device).synchronize()
        counts, reals, *kept = (one.numpy() for one in arrays)
        channels = [place.channels for place in self._places if place.piece is None]
        halves = np.repeat(channels, 2)
        quarters = np.repeat(channels, 4)
        return (
            np.split(counts, np.cumsum(halves)[:-1]),
            np.split(reals, np.cumsum(quarters)[:-1]),
            dict(zip(self._kept, kept, strict=True)),
        )

    def _check(self, reals: list[np.ndarray]) -> None:
        for i in range(0, len(reals), 4):
            low, high, mean, variance = reals[i : i + 4]
            if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
                raise Odd
            largest = np.maximum(np.abs(low), np.abs(high))
            if ((largest > 0) & (largest < _WEAK)).any():
                raise Odd


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
    tiny = np.finfo(np.float32 if low.dtype != np.float64 else np.float64).tiny
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
