"""Targets → labels: what a person calls each example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def labels_of(y: Any, count: int, class_names: Sequence[str] | None = None) -> list[str] | None:
    """One label per example, or None where `y` holds no single value or class for each.

    Args:
      y: None, or an array or list of integers, floats or strings, `[n]` or `[n, 1]`, or of one-hot
        rows `[n, classes]`.
      count: the number of examples.
      class_names: what the integers are called.

    Raises:
      ValueError: an integer that `class_names` has no name for.
    """
    if y is None or isinstance(y, Mapping):
        return None
    values = np.asarray(y)
    if values.ndim == 0 or len(values) != count:
        return None
    if values.ndim == 2 and values.shape[1] > 1:
        if not _one_hot(values):
            return None
        values = values.argmax(axis=1)
    if values.size != count:
        return None
    return [_label(value, class_names) for value in values.reshape(-1)]


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
    if class_names is None or not whole:
        return str(int(value)) if whole else f"{float(value):g}"
    if not 0 <= int(value) < len(class_names):
        raise ValueError(f"y holds class {int(value)}; class_names names {len(class_names)}")
    return str(class_names[int(value)])
