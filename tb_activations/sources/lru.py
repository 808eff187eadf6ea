"""The last things put or got, up to a limit of their sizes; safe between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


def _one(item: Any) -> int:
    return 1


class Lru(Generic[K, T]):
    """Keeps what was put or got last, as long as the sizes of all add up to at most `limit`.

    Args:
      limit: of the sum of the sizes.
      size: of one item; by default each counts one.
    """

    def __init__(self, limit: int, size: Callable[[T], int] = _one) -> None:
        self._limit = limit
        self._size = size
        self._used = 0
        self._items: OrderedDict[K, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> T | None:
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key]

    def put(self, key: K, item: T) -> None:
        with self._lock:
            if key in self._items:
                self._used -= self._size(self._items.pop(key))
            self._items[key] = item
            self._used += self._size(item)
            while self._used > self._limit:
                _, old = self._items.popitem(last=False)
                self._used -= self._size(old)
