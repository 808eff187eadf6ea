"""What classes are called: a list of texts, in the order of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ACCEPTED = "it must be a list or tuple of texts, one for each class in their order"


def checked_names(class_names: Any) -> Sequence[str] | None:
    """The names as they were given, None where none were.

    Raises:
      TypeError: no list, tuple or array of texts. ValueError: an empty one.
    """
    if class_names is None:
        return None
    names = class_names.tolist() if hasattr(class_names, "tolist") else class_names
    if not isinstance(names, list | tuple):
        raise TypeError(f"class_names is {_shown(class_names)}; {ACCEPTED}")
    if not names:
        raise ValueError(f"class_names is {_shown(class_names)}, which names no class; {ACCEPTED}")
    for i, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(f"class_names[{i}] is {_shown(name)}; {ACCEPTED}")
    return names


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
