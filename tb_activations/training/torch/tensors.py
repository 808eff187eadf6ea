"""Tensors: their parts in what a module returns, to NumPy, and what is known of those seen."""

from __future__ import annotations

import copy
import dataclasses
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from tb_activations.training.torch.private import named_fields, version


def parts(value: Any, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors in what a module returns or takes, with `.0`, `.key` as the way to each.

    A tuple of one tensor and otherwise None is that tensor; a packed sequence is its padded one.
    """
    if isinstance(value, torch.Tensor):
        yield prefix, value
    elif isinstance(value, PackedSequence):
        padded, _ = pad_packed_sequence(value, batch_first=True)
        yield prefix, padded
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from parts(one, f"{prefix}.{key}")
    elif (fields := named_fields(value)) is not None:
        for key, one in zip(fields, value, strict=True):
            yield from parts(one, f"{prefix}.{key}")
    elif isinstance(value, list | tuple):
        yield from _of_list(value, prefix)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name, None), f"{prefix}.{field.name}")


def _of_list(value: Any, prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    alone = len(value) > 1 and all(one is None for one in value[1:])
    for i, one in enumerate(value):
        yield from parts(one, prefix if alone else f"{prefix}.{i}")


def replaced(value: Any, new: Mapping[str, torch.Tensor], prefix: str = "") -> Any:
    """What a module returns, with other tensors at some of its parts, named as `parts` does."""
    if isinstance(value, torch.Tensor):
        return new.get(prefix, value)
    if isinstance(value, Mapping):
        other = copy.copy(value)
        for key, one in value.items():
            other[key] = replaced(one, new, f"{prefix}.{key}")  # type: ignore[index]
        return other
    if (fields := named_fields(value)) is not None and not isinstance(value, PackedSequence):
        every = zip(fields, value, strict=True)
        return type(value)(*(replaced(one, new, f"{prefix}.{key}") for key, one in every))
    if isinstance(value, list | tuple) and not isinstance(value, PackedSequence):
        alone = len(value) > 1 and all(one is None for one in value[1:])
        return type(value)(
            replaced(one, new, prefix if alone else f"{prefix}.{i}") for i, one in enumerate(value)
        )
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        each = {n: replaced(getattr(value, n, None), new, f"{prefix}.{n}") for n in names}
        return dataclasses.replace(value, **each)
    return value


def plain(value: torch.Tensor) -> torch.Tensor:
    """A nested tensor padded, a sparse one dense, a quantised one dequantised."""
    value = value.detach()
    if value.is_nested:
        return value.to_padded_tensor(0.0)
    if value.layout != torch.strided:
        value = value.to_dense()
    if value.is_quantized:
        value = value.dequantize()
    return value


def to_numpy(value: torch.Tensor) -> np.ndarray:
    """A copy, which nothing that is written to the tensor later can change."""
    return np.array(viewed(value))


def viewed(value: torch.Tensor) -> np.ndarray:
    """The tensor's own memory where NumPy can read it.

    What NumPy does not have (bfloat16, float8) becomes float32, without loss.
    """
    value = plain(value)
    if foreign(value) is not None:
        value = value.float()
    if hasattr(value, "full_tensor"):  # shards of several processes
        value = value.full_tensor()
    return np.asarray(value.resolve_conj().resolve_neg().cpu().numpy())


def foreign(value: torch.Tensor) -> str | None:
    """The name of the dtype where `viewed` has to change it: `bfloat16`; None where it need not."""
    dtype = value.dtype
    narrow = dtype.is_floating_point and (dtype == torch.bfloat16 or dtype.itemsize < 2)
    return dtype_name(dtype) if narrow or value.is_quantized else None


def dtype_name(dtype: torch.dtype) -> str:
    """`float32`."""
    return str(dtype).removeprefix("torch.")


@dataclasses.dataclass(frozen=True)
class _Note:
    reference: weakref.ref[torch.Tensor]
    version: int
    axis: int | None


class TensorNotes:
    """What is known of tensors as long as they live: the axis of channels, and how they were seen.

    A tensor that was written to since then holds other values: its axis stands, its values do not.
    """

    def __init__(self) -> None:
        self._axes: dict[int, _Note] = {}
        self._seen: dict[int, _Note] = {}

    def follow(self, tensor: torch.Tensor, axis: int) -> None:
        """Notes the axis of channels of what no entry has shown."""
        self._axes[id(tensor)] = _Note(weakref.ref(tensor), 0, axis)

    def see(self, tensor: torch.Tensor, axis: int) -> None:
        """Notes that an entry shows the values that the tensor has now."""
        self.follow(tensor, axis)
        self._seen[id(tensor)] = _Note(weakref.ref(tensor), version(tensor), axis)

    def see_again(self, tensor: torch.Tensor, copy: torch.Tensor) -> None:
        """Notes that an entry shows what a copy holds, where it has shown what it is a copy of."""
        if tensor is not copy and self.shows(tensor):
            axis = self.axis(tensor)
            self.see(copy, tensor.dim() - 1 if axis is None else axis)

    def axis(self, tensor: torch.Tensor) -> int | None:
        """The axis of channels, None where nothing is known."""
        note = self._axes.get(id(tensor))
        return note.axis if note is not None and note.reference() is tensor else None

    def shows(self, tensor: torch.Tensor) -> bool:
        """Whether an entry has shown these very values."""
        note = self._seen.get(id(tensor))
        known = note is not None and note.reference() is tensor
        return known and note is not None and note.version == version(tensor)
