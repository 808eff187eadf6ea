"""Which weights each module of a model has of its own, in the order of execution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from tb_activations.training.attribution.framework import LayerWeights
from tb_activations.training.selection import Entry
from tb_activations.training.torch.names import unwrapped

_STATISTICS = ("running_mean", "running_var")  # of normalisations; other buffers are constants


def layer_weights(model: nn.Module, entries: Sequence[Entry]) -> list[LayerWeights]:
    """Of every module that ran, a shared one at its last call; what is left is the model's own.

    A weight is that of the innermost module around it that ran by itself. Integers and buffers but
    the statistics of normalisations are none.
    """
    ran = [one for one in entries if isinstance(one.layer, nn.Module) and not one.aside]
    last = {id(one.layer): one for one in ran}
    first = {id(one.layer): one.place.path() for one in reversed(ran)}
    layers = sorted((one.layer for one in last.values()), key=lambda one: len(list(one.modules())))
    left = {id(one): one for one in _weights(model)}
    found: dict[int, list[torch.Tensor]] = {}
    for layer in layers:
        mine = {id(one): one for one in _weights(layer) if id(one) in left}
        found[id(layer)] = list(mine.values())
        left = {key: one for key, one in left.items() if key not in mine}
    ordered = sorted(layers, key=lambda one: last[id(one)].order)
    name = type(unwrapped(model)).__name__
    own = [_of(name, list(left.values()))] if left else []
    return own + [_of(first[id(one)], found[id(one)]) for one in ordered if found[id(one)]]


def _weights(module: nn.Module) -> list[torch.Tensor]:
    statistics = [
        one for name, one in module.named_buffers() if name.rpartition(".")[2] in _STATISTICS
    ]
    return [one for one in (*module.parameters(), *statistics) if one.dtype.is_floating_point]


def _of(name: str, tensors: list[torch.Tensor]) -> LayerWeights:
    def read() -> list[np.ndarray]:
        wide = [one if one.dtype == torch.float64 else one.float() for one in map(_data, tensors)]
        return [np.array(one.cpu().numpy()) for one in wide]

    def write(arrays: Sequence[np.ndarray]) -> None:
        for one, array in zip(tensors, arrays, strict=True):
            _data(one).copy_(torch.as_tensor(array))

    return LayerWeights(name, read, write)


def _data(tensor: torch.Tensor) -> torch.Tensor:
    """Its numbers, past the count of changes: a graph of the caller's stays valid."""
    return tensor.detach() if tensor.is_inference() else tensor.data
