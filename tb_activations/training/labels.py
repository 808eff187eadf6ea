"""Targets → labels: what a person calls each example."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def labels_of(y: Any, count: int, class_names: Sequence[str] | None = None) -> list[str] | None:
    """One label per example, or None where `y` holds no single value or class for each.

    Args:
      y: None, or an array or list of integers, floats or strings, `[n]` or `[n, 1]`, or of one-hot
        rows `[n, classes]`. Lists and dicts of arrays, the targets of several outputs, have none.
      count: the number of examples.
      class_names: what the integers are called.

    Raises:
      ValueError: an integer that `class_names` has no name for.
    """
    values = _of_one_output(y)
    if values is None or values.ndim == 0:
        return None
    if len(values) != count:
        warnings.warn(
            f"data holds {count} examples and {len(values)} labels: the labels are left out",
            stacklevel=3,
        )
        return None
    if values.ndim == 2 and values.shape[1] > 1:
        if not _one_hot(values):
            return None
        values = values.argmax(axis=1)
    if values.size != count:
        return None
    return [_label(value, class_names) for value in values.reshape(-1)]


def _of_one_output(y: Any) -> np.ndarray | None:
    """Targets as an array; None for several outputs' and for what is no array."""
    if y is None or isinstance(y, Mapping):
        return None
    if isinstance(y, list | tuple) and any(len(getattr(one, "shape", ())) for one in y):
        return None
    try:
        return np.asarray(y)
    except ValueError:  # rows of unequal length
        return None


def _one_hot(values: np.ndarray) -> bool:
    if values.dtype.kind not in "fiub":
        return False
    return bool(np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all())


def _label(value: Any, class_names: Sequence[str] | None) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value
    whole = float(value).is_integer()
    if class_names is None or not whole or value < 0:  # -1 is what losses are told to ignore
        return str(int(value)) if whole else f"{float(value):g}"
    if not 0 <= int(value) < len(class_names):
        raise ValueError(
            f"y in data holds class {int(value)}; class_names names {len(class_names)}"
        )
    return str(class_names[int(value)])
