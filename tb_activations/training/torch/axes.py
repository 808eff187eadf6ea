"""Which axis of a tensor are the channels: what a class says, and how functions move it.

The order of rules: what the user says; a class of torch's whose `forward` is its own; the axis
followed through the functions that made the tensor; the class that a subclass is of; the axis of
an input of the same rank; else the second of four axes and more, the last of fewer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

from tb_activations.training.torch.tensors import TensorNotes

_FIRST_NAMES = (
    "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d "
    "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm GroupNorm LocalResponseNorm "
    "InstanceNorm1d InstanceNorm2d InstanceNorm3d "
    "MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d LPPool1d LPPool2d LPPool3d "
    "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d "
    "AdaptiveMaxPool3d FractionalMaxPool2d FractionalMaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d "
    "Upsample UpsamplingNearest2d UpsamplingBilinear2d Dropout1d Dropout2d Dropout3d "
    "ReflectionPad1d ReflectionPad2d ReflectionPad3d PixelShuffle PixelUnshuffle ChannelShuffle"
)
_LAST_NAMES = (
    "Linear Bilinear LayerNorm RMSNorm Embedding EmbeddingBag RNN LSTM GRU RNNCell LSTMCell "
    "GRUCell MultiheadAttention TransformerEncoderLayer TransformerDecoderLayer TransformerEncoder "
    "TransformerDecoder Transformer"
)
FIRST, LAST = (
    tuple(getattr(nn, name) for name in names.split() if hasattr(nn, name))
    for names in (_FIRST_NAMES, _LAST_NAMES)
)
REARRANGING = (nn.Flatten, nn.Unflatten, nn.Identity, nn.PixelShuffle, nn.PixelUnshuffle,
               nn.ChannelShuffle, nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d, nn.ConstantPad1d,
               nn.ConstantPad2d, nn.ConstantPad3d)  # fmt: skip

# Functions after which the channels stand second, or last, whatever they were.
_SET_FIRST_WORDS = (
    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d max_pool1d "
    "max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d "
    "adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d "
    "adaptive_max_pool3d batch_norm group_norm instance_norm interpolate upsample pixel_shuffle "
    "pixel_unshuffle channel_shuffle local_response_norm grid_sample"
)
_SET_LAST_WORDS = "linear layer_norm rms_norm embedding embedding_bag bilinear"
_UNKNOWN_WORDS = "matmul __matmul__ __rmatmul__ bmm baddbmm einsum tensordot"
_REDUCING_WORDS = "mean sum amax amin max min prod norm logsumexp var std"
_SET_FIRST, _SET_LAST, _UNKNOWN, _REDUCING = (
    frozenset(words.split())
    for words in (_SET_FIRST_WORDS, _SET_LAST_WORDS, _UNKNOWN_WORDS, _REDUCING_WORDS)
)


def of_class(module: Any, rank: int) -> int | None:
    """What a class of torch's says whose `forward` the module's class has not changed."""
    known = _known(module)
    if known is None or type(module).forward is not known.forward:
        return None
    return 1 if known in FIRST else rank - 1


def of_base(module: Any, rank: int) -> int | None:
    """What the class says that the module's class is made of."""
    known = _known(module)
    return None if known is None else 1 if known in FIRST else rank - 1


def by_rank(rank: int) -> int:
    return 1 if rank >= 4 else rank - 1


def axis_of(module: Any, value: torch.Tensor, given: Iterable[Any], notes: TensorNotes) -> int:
    """The axis of channels in what a module returned."""
    rank = value.dim()
    if rank < 3:
        return rank - 1
    for found in (of_class(module, rank), notes.axis(value), of_base(module, rank)):
        if found is not None:
            return found
    for one in given:
        known = notes.axis(one)
        if known is not None and one.dim() == rank:
            return known
    return by_rank(rank)


def follow(
    function: Any, args: tuple, kwargs: Mapping[str, Any], out: Any, notes: TensorNotes
) -> None:
    """Notes the axis of what a function returned, where its inputs tell."""
    if isinstance(out, tuple | list):
        for one in out:
            if isinstance(one, torch.Tensor):
                follow(function, args, kwargs, one, notes)
        return
    if not isinstance(out, torch.Tensor) or out.dim() < 3 or notes.axis(out) is not None:
        return
    name = getattr(function, "__name__", "")
    name = name if name.startswith("__") else name.rstrip("_")
    axis = None
    with contextlib.suppress(Exception):  # arguments of a form that is not known tell nothing
        axis = _after(name, args, kwargs, out, notes)
    if axis is not None and 0 < axis < out.dim():
        notes.follow(out, axis)


def _known(module: Any) -> Any:
    return next((one for one in type(module).__mro__ if one in FIRST or one in LAST), None)


def _after(
    name: str, args: tuple, kwargs: Mapping[str, Any], out: torch.Tensor, notes: TensorNotes
) -> int | None:
    rank = out.dim()
    if name in _SET_FIRST:
        return 1
    if name in _SET_LAST:
        return rank - 1
    if name in _UNKNOWN:
        return None
    first = args[0] if args else kwargs.get("input")
    if isinstance(first, list | tuple):  # cat, stack
        first = next((one for one in first if isinstance(one, torch.Tensor)), None)
    axis = notes.axis(first) if isinstance(first, torch.Tensor) else None
    moved = _MOVES.get(name)
    if moved is not None:
        return None if axis is None else moved(axis, first, args[1:], kwargs, out)
    if name in _REDUCING:
        return None if axis is None else _reduced(axis, first, args[1:], kwargs, out)
    return _kept(args, out, notes)


def _kept(args: tuple, out: torch.Tensor, notes: TensorNotes) -> int | None:
    """Of what is computed value by value, or along axes that keep their places."""
    for one in args:
        for tensor in one if isinstance(one, list | tuple) else (one,):
            if not isinstance(tensor, torch.Tensor) or tensor.dim() != out.dim():
                continue
            axis = notes.axis(tensor)
            if axis is not None and tensor.shape[axis] == out.shape[axis]:
                return axis
            if axis is not None and isinstance(one, list | tuple):  # cat along the channels
                return axis
    return None


def _sizes(rest: tuple, kwargs: Mapping[str, Any], name: str) -> list[int]:
    given = rest if rest else (kwargs.get(name, ()),)
    flat = given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given
    return [int(one) for one in flat]


def _permuted(axis: int, x: Any, rest: tuple, kwargs: Mapping, out: Any) -> int | None:
    order = [one % x.dim() for one in _sizes(rest, kwargs, "dims")]
    return order.index(axis) if axis in order else None


def _transposed(axis: int, x: Any, rest: tuple, kwargs: Mapping, out: Any) -> int | None:
    given = [*rest, *(kwargs[key] for key in ("dim0", "dim1", "axis0", "axis1") if key in kwargs)]
    if len(given) != 2:
        return None
    a, b = (int(one) % x.dim() for one in given)
    return b if axis == a else a if axis == b else axis


def _moved(axis: int, x: Any, rest: tuple, kwargs: Mapping, out: Any) -> int | None:
    given = (*rest, *(kwargs[key] for key in ("source", "destination") if key in kwargs))
    if len(given) != 2 or not all(isinstance(one, int) for one in given):
        return None
    order = list(range(x.dim()))
    order.insert(given[1] % x.dim(), order.pop(given[0] % x.dim()))
    return order.index(axis)


def _reshaped(axis: int, x: Any, rest: tuple, kwargs: Mapping, out: Any) -> int | None:
    """Where what stands before the channels, or behind them, is the same as it was."""
    same = out.shape[-1] == x.shape[-1]
    if axis == x.dim() - 1:
        return out.dim() - 1 if same else None
    before, own = tuple(x.shape[:axis]), x.shape[axis]
    if tuple(out.shape[:axis]) == before and out.dim() > axis and out.shape[axis] == own:
        return axis
    behind = x.dim() - axis
    if tuple(out.shape[-behind:]) == tuple(x.shape[axis:]):
        return int(out.dim() - behind)
    return None


def _unsqueezed(axis: int, x: Any, rest: tuple, kwargs: Mapping, out: Any) -> int | None:
    at = int(rest[0] if rest else kwargs["dim"]) % out.dim()
    return axis + (at <= axis)


def _reduced(axis: int, x: Any, rest: tuple, kwargs: Mapping, out: Any) -> int | None:
    if out.dim() == x.dim():
        return axis
    dims = kwargs.get("dim", kwargs.get("axis", rest[0] if rest else None))
    if dims is None:
        return None
    gone = [int(one) % x.dim() for one in (dims if isinstance(dims, list | tuple) else (dims,))]
    return None if axis in gone else axis - sum(one < axis for one in gone)


def _taken(axis: int, x: Any, rest: tuple, kwargs: Mapping, out: Any) -> int | None:
    """`x[:, 1]`, `x[..., 0, :]`: of integers, slices and new axes."""
    index = rest[0] if isinstance(rest[0], tuple) else (rest[0],)
    if any(not (one is None or one is Ellipsis or isinstance(one, int | slice)) for one in index):
        return axis if out.dim() == x.dim() else None
    spread = x.dim() - sum(one is not None and one is not Ellipsis for one in index)
    here, there = 0, 0
    for one in [*index, *([] if Ellipsis in index else [Ellipsis])]:
        if one is None:
            there += 1
            continue
        count = spread if one is Ellipsis else 1
        if here <= axis < here + count:
            return None if isinstance(one, int) else there + axis - here
        here += count
        there += 0 if isinstance(one, int) else count
    return None


_Move = Callable[[int, Any, tuple, Mapping[str, Any], Any], int | None]
_MOVES: dict[str, _Move] = {
    "permute": _permuted,
    "transpose": _transposed,
    "swapaxes": _transposed,
    "swapdims": _transposed,
    "movedim": _moved,
    "moveaxis": _moved,
    "reshape": _reshaped,
    "view": _reshaped,
    "flatten": _reshaped,
    "unflatten": _reshaped,
    "unsqueeze": _unsqueezed,
    "squeeze": _reshaped,
    "__getitem__": _taken,
}
