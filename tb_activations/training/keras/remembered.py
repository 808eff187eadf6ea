"""What the last inspection of a model showed, for as long as the model computes the same.

One model is remembered, the last; weakly, so that it goes when its owner lets go of it.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tb_activations.training.batch import leaves
from tb_activations.training.keras.changes import same_traits, traits
from tb_activations.training.keras.inspection import Inspection
from tb_activations.training.keras.tensors import is_array, parts

Key = tuple[Any, ...]


@dataclass
class _Known:
    """traits: weakly held. inspections: by what was asked, without their watch. independent: those
    where the examples of a batch leave each other's scores alone."""

    traits: list[Any]
    inspections: dict[Key, Inspection] = field(default_factory=dict)
    independent: set[Key] = field(default_factory=set)


_last: weakref.WeakKeyDictionary[Any, _Known] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def key_of(inputs: Any, output: str, function: Any, batch: int | None) -> Key | None:
    """What an inspection depends on beside the model; None where it cannot be remembered.

    A function that scores may look at anything, and inputs may be of a kind that has no shape.
    """
    arrays = leaves(inputs)
    if function is not None or not all(isinstance(one, np.ndarray) for one in arrays):
        return None
    names = [part for part, value in parts(inputs) if is_array(value)]
    shapes = [(one.shape[1:], one.dtype.str) for one in arrays]
    return (output, batch, tuple(names), tuple(shapes))


def recall(model: Any, key: Key | None) -> tuple[Inspection, bool | None] | None:
    """What is known of the model as it is now, None where it has changed since, or is another."""
    if key is None:
        return None
    with _lock:
        known = _last.get(model)
        found = known.inspections.get(key) if known else None
        if known is None or found is None or not _same(known.traits, traits(model)):
            return None
        return found, True if key in known.independent else None


def remember(model: Any, key: Key | None, inspection: Inspection) -> None:
    if key is None:
        return
    now = traits(model)
    with _lock:
        known = _last.get(model)
        if known is None or not _same(known.traits, now):
            _last.clear()
            known = _last[model] = _Known(_weakly(now))
        # Its watch holds the model itself, which would never go then.
        known.inspections[key] = replace(inspection, watch=None)
        known.independent.discard(key)


def remember_independent(model: Any, key: Key | None) -> None:
    """That the examples of a batch leave each other's scores alone."""
    with _lock:
        known = _last.get(model)
        if known is not None and key is not None:
            known.independent.add(key)


def forget(model: Any) -> None:
    with _lock:
        _last.pop(model, None)


def _weakly(found: list[Any]) -> list[Any]:
    return [_weak(one) for one in found]


def _weak(one: Any) -> Any:
    try:
        return weakref.ref(one)
    except TypeError:  # a number, a text, and the like
        return one


def _same(known: list[Any], now: list[Any]) -> bool:
    """Whether these are the traits that are known; nothing takes the place of one that is gone."""
    if len(known) != len(now):
        return False
    pairs = zip(known, now, strict=True)
    return all(a() is b if isinstance(a, weakref.ref) else same_traits([a], [b]) for a, b in pairs)
