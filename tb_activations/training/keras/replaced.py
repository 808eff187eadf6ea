"""Functions and methods that are replaced as long as some block, of any thread, needs them so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

Make = Callable[[Any], Any]


class Replaced:
    """Counts the open blocks; the first replaces what is to be replaced, the last restores it.

    Args:
      wanted: what to replace, asked for when the first block opens: the owner, a class or module,
        the attribute's name, and what makes the new one of the original.
    """

    def __init__(self, wanted: Callable[[], Iterable[tuple[Any, str, Make]]]) -> None:
        self._wanted = wanted
        self._lock = threading.Lock()
        self._open = 0
        self._originals: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> None:
        with self._lock:
            if not self._open:
                for owner, name, make in self._wanted():
                    held = vars(owner)
                    original = held[name] if name in held else getattr(owner, name)
                    self._originals.append((owner, name, original))
                    setattr(owner, name, make(original))
            self._open += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open -= 1
            while not self._open and self._originals:
                setattr(*self._originals.pop())
