"""Options: checks of those that several methods have, and how a record holds them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def check_count(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number above 0")


def check_share(name: str, value: Any, *, infinite: bool = False) -> None:
    """A number that is not negative, nor infinite unless it may be."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not value >= 0 or (not math.isfinite(value) and not infinite):
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


def check_bounds(name: str, value: Any) -> None:
    """None, or two numbers, the lower first."""
    if value is None:
        return
    two = isinstance(value, tuple) and len(value) == 2
    if not two or not all(isinstance(one, int | float) for one in value) or not value[0] < value[1]:
        raise ValueError(
            f"{name} is {value!r}; it must be None, or the lowest and the highest value of the "
            "inputs, such as (0, 1)"
        )


def plain(value: Any) -> Any:
    """An option as JSON has it, which knows no infinity."""
    if isinstance(value, list | tuple):
        return tuple(plain(one) for one in value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return repr(value)[:200]
