"""What a model's computation depends on, as a list that is compared later with one made anew."""

from __future__ import annotations

import weakref
from typing import Any

_PLAIN = (int, float, complex, str, bytes, bool, type(None), type)


def same_traits(one: list[Any], other: list[Any]) -> bool:
    """Plain values are compared, everything else is the same object."""
    return len(one) == len(other) and all(map(_same, one, other))


def weakly(traits: list[Any]) -> list[Any]:
    """The traits, holding nothing that can be held weakly."""
    return [_weak(one) for one in traits]


def same_as_weakly(known: list[Any], now: list[Any]) -> bool:
    """Whether these are the traits that are known; nothing takes the place of one that is gone."""
    return len(known) == len(now) and all(
        a() is b if isinstance(a, weakref.ref) else _same(a, b)
        for a, b in zip(known, now, strict=True)
    )


def _same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, _PLAIN) and a == b)


def _weak(one: Any) -> Any:
    try:
        return weakref.ref(one)
    except TypeError:  # a number, a text, and the like
        return one
