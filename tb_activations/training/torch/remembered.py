"""Inspections of modules, remembered between calls, and what a module's computation depends on."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from tb_activations.training.attribution.memory import Key, Memory
from tb_activations.training.batch import leaves
from tb_activations.training.selection import Entry
from tb_activations.training.torch.data import named
from tb_activations.training.torch.inspection import Inspection
from tb_activations.training.torch.names import Names
from tb_activations.training.torch.private import OF_TORCH, is_uninitialized
from tb_activations.training.torch.state import device_of

_DEPTH = 4  # containers in containers


@dataclass(frozen=True)
class _Light:
    """An inspection that does not hold the model: without names and watch, layers held weakly."""

    inspection: Inspection
    layers: tuple[Any, ...]

    def whole(self, model: nn.Module) -> Inspection:
        made = tuple(
            replace(entry, layer=layer() if isinstance(layer, weakref.ref) else layer)
            for entry, layer in zip(self.inspection.entries, self.layers, strict=True)
        )
        return replace(self.inspection, entries=made, names=Names(model))


def traits(model: nn.Module) -> list[Any]:
    """See `training.traits`: its modules with their attributes, and the kind of each tensor."""
    return [trait for module in model.modules() for trait in _of_module(module)]


_memory: Memory[_Light] = Memory(traits)
remember_independent = _memory.remember_independent


def key_of(model: nn.Module, inputs: Any, output: str, function: Any) -> Key | None:
    """What an inspection depends on beside the model; None where it cannot be remembered.

    A function that scores may look at anything, and inputs may hold what has no shape.
    """
    arrays = leaves(inputs)
    if function is not None or not all(isinstance(one, np.ndarray) for one in arrays):
        return None
    device = device_of(model)
    kind = device.type
    cast = kind != "meta" and torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind)
    names = tuple(name for name, _ in named(inputs))
    shapes = tuple((one.shape[1:], one.dtype.str) for one in arrays)
    return (output, str(device), str(cast), names, shapes)


def recall(model: nn.Module, key: Key | None) -> tuple[Inspection, bool | None] | None:
    """What is known of the model as it is now, None where it has changed since, or is another."""
    found = _memory.recall(model, key)
    return None if found is None else (found[0].whole(model), found[1])


def remember(model: nn.Module, key: Key | None, inspection: Inspection) -> None:
    layers = tuple(_weak(entry) for entry in inspection.entries)
    entries = tuple(replace(entry, layer=None) for entry in inspection.entries)
    none = Names(nn.Module())  # those of the model are made anew, they hold it
    light = replace(inspection, entries=entries, names=none, watch=None)
    _memory.remember(model, key, _Light(light, layers))


def _weak(entry: Entry) -> Any:
    """A module weakly; of a function itself; nothing of attention's scores."""
    if isinstance(entry.layer, nn.Module):
        return weakref.ref(entry.layer)
    return entry.layer if callable(entry.layer) else None


def _of_module(module: nn.Module) -> list[Any]:
    held = vars(module)
    found = [module, type(module)]
    for each in (module.named_parameters(recurse=False), module.named_buffers(recurse=False)):
        for name, one in each:
            found += [name, str(one.dtype), "" if is_uninitialized(one) else str(one.shape)]
    for name, one in held.items():
        if name not in OF_TORCH:
            found += [name, *_of_value(one, _DEPTH)]
        elif name.endswith("hooks") and one:
            found += [name, *one.values()]
    return found


def _of_value(value: Any, depth: int) -> list[Any]:
    if depth and isinstance(value, Mapping):
        pairs = [(str(key), one) for key, one in value.items()]
        return [len(pairs), *(t for k, one in pairs for t in (k, *_of_value(one, depth - 1)))]
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [len(value), *(t for one in value for t in _of_value(one, depth - 1))]
    return [value]
