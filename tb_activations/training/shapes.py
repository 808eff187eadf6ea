"""Nested data in words: dtypes and shapes, never values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SHOWN = 4  # members of a list or dict that are described one by one
_WORDS = 300  # characters of somebody else's sentence
# `[[0.1 0.2]…`, `[0.5 0.25]`: values, where `[4, 8]` and `(None, 8, 8, 3)` may be shapes.
_VALUES = re.compile(r"\[\s*\[.*\]\s*\]|\[[^\[\]]*\d\.[^\[\]]*\]", re.DOTALL)
_REASON = re.compile(r"\x1b\[1m(.*?)\x1b\[0m", re.DOTALL)


class DataError(ValueError):
    """What was passed as data cannot be shown to a model; the sentence says what can."""


class Refusal(ValueError):
    """Ours, raised while a model runs: it says nothing about the model's data."""


def described(data: Any) -> str:
    """`float32 [64, 8, 8, 3]`, `a list of 2: float32 [64, 8], int64 [64]`, `a dict of 'a': …`."""
    if isinstance(data, Mapping):
        members = [f"{key!r}: {described(value)}" for key, value in data.items()]
        return f"a dict of {_listed(members)}"
    if isinstance(data, list | tuple):
        each = [described(value) for value in data]
        if len(each) > 1 and len(set(each)) == 1:
            return f"a {type(data).__name__} of {len(each)}, each {each[0]}"
        return f"a {type(data).__name__} of {len(each)}: {_listed(each)}"
    if data is None:
        return "None"
    if not hasattr(data, "shape"):
        return f"a {type(data).__name__}"
    dtype = getattr(data, "dtype", "")
    name = str(getattr(dtype, "name", dtype)).removeprefix("torch.")
    return f"{name} {shape_in_words(data.shape)}".strip()


def shape_in_words(shape: Any) -> str:
    """`[None, 8, 8, 3]`."""
    return f"[{', '.join(str(side) for side in shape)}]"


def without_values(error: BaseException) -> str:
    """The reason in an error of a framework, short and without the values of a batch."""
    whole = str(error)
    reason = _REASON.search(whole)
    words = reason.group(1) if reason else whole.split("Arguments received by")[0]
    words = " ".join(_VALUES.sub("[…]", words).split())
    return words if len(words) <= _WORDS else words[:_WORDS] + "…"


def _listed(members: list[str]) -> str:
    more = len(members) - _SHOWN
    return ", ".join(members[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
