"""What the last inspection of a model showed, for as long as the model computes the same.

One model is remembered, the last; weakly, so that it goes when its owner lets go of it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tb_activations.training.traits import same_as_weakly, weakly

Key = tuple[Any, ...]
Shown = TypeVar("Shown")


@dataclass
class _Known(Generic[Shown]):
    """traits: weakly held. shown: by what was asked. independent: those where the examples of a
    batch leave each other's scores alone."""

    traits: list[Any]
    shown: dict[Key, Shown] = field(default_factory=dict)
    independent: set[Key] = field(default_factory=set)


class Memory(Generic[Shown]):
    """Of one framework's models.

    Args:
      traits: what a model's computation depends on, see `training.traits`. What is remembered must
        not hold the model, which would never go then.
    """

    def __init__(self, traits: Callable[[Any], list[Any]]) -> None:
        self._traits = traits
        self._last: weakref.WeakKeyDictionary[Any, _Known[Shown]] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def recall(self, model: Any, key: Key | None) -> tuple[Shown, bool | None] | None:
        """What was shown of the model as it is now, and whether its examples are independent, None
        for not known; None where it has changed since, or is another."""
        if key is None:
            return None
        with self._lock:
            known = self._last.get(model)
            found = known.shown.get(key) if known else None
            if known is None or found is None:
                return None
            if not same_as_weakly(known.traits, self._traits(model)):
                return None
            return found, True if key in known.independent else None

    def remember(self, model: Any, key: Key | None, shown: Shown) -> None:
        if key is None:
            return
        now = self._traits(model)
        with self._lock:
            known = self._last.get(model)
            if known is None or not same_as_weakly(known.traits, now):
                self._last.clear()
                known = self._last[model] = _Known(weakly(now))
            known.shown[key] = shown
            known.independent.discard(key)

    def remember_independent(self, model: Any, key: Key | None) -> None:
        """That the examples of a batch leave each other's scores alone."""
        with self._lock:
            known = self._last.get(model)
            if known is not None and key is not None:
                known.independent.add(key)
