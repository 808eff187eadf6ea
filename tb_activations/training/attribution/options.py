"""Checks of options that several methods have."""

from __future__ import annotations

import math
from typing import Any


def check_count(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number above 0")


def check_share(name: str, value: Any) -> None:
    """A finite number that is not negative."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is {value!r}; it must be a number, 0 or above")


def check_sides(name: str, value: Any) -> None:
    """None, a whole number above 0, or one for each axis."""
    sides = value if isinstance(value, tuple) else (value,)
    good = all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in sides)
    if value is not None and not (sides and good):
        raise ValueError(
            f"{name} is {value!r}; it must be None, a whole number above 0, or a tuple of one for "
            "each axis of positions"
        )
