"""Sizes in a graph: Python integers as far as it knows them, int64 tensors where it does not.

Arithmetic stays in Python where it can, so that a graph of known shapes holds no ops for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

Tensor = Any
Size = Any  # a Python integer, or an int64 scalar tensor


@dataclass(frozen=True)
class Sizes:
    """The sides of a tensor, also of one whose rank is unknown."""

    n: Size
    second: Size
    last: Size
    rank: Size
    dynamic: Tensor
    static: tuple[int | None, ...] | None

    @property
    def dense(self) -> Tensor | bool:
        return self.rank == 2

    def between(self, channels_first: bool) -> Size:
        """The number of values of one channel of one example."""
        if self.static is not None and None not in self.static[1:]:
            sides = self.static[2:] if channels_first else self.static[1:-1]
            return int(np.prod([int(side or 0) for side in sides], dtype=np.int64))
        return tf.reduce_prod(self.spatial(channels_first))

    def spatial(self, channels_first: bool) -> Tensor:
        return self.dynamic[2:] if channels_first else self.dynamic[1:-1]


def sizes_of(data: Tensor) -> Sizes:
    """The sides of `data`, each a Python integer where the graph knows it."""
    dynamic = tf.shape(data, tf.int64)
    rank = data.shape.rank
    static = None if rank is None else tuple(data.shape.as_list())

    def side(i: int) -> Size:
        fixed = None if static is None else static[i]
        return dynamic[i] if fixed is None else fixed

    return Sizes(
        n=side(0),
        second=side(1),
        last=side(-1),
        rank=tf.rank(data) if rank is None else rank,
        dynamic=dynamic,
        static=static,
    )


def known(*sizes: Size) -> bool:
    """Whether all are Python integers."""
    return not any(tf.is_tensor(size) for size in sizes)


def minimum(a: Size, b: Size) -> Size:
    return min(a, b) if known(a, b) else tf.minimum(int64(a), int64(b))


def maximum(a: Size, b: Size) -> Size:
    return max(a, b) if known(a, b) else tf.maximum(int64(a), int64(b))


def times(a: Size, b: Size) -> Size:
    """a · b; known to be 0 where either is, so that nothing divides by it."""
    return 0 if any(known(side) and side == 0 for side in (a, b)) else a * b


def where(condition: Tensor | bool, yes: Size, no: Size) -> Size:
    if not tf.is_tensor(condition):
        return yes if condition else no
    return tf.where(condition, int64(yes), int64(no))


def unless(omitted: Tensor | bool, size: Size) -> Size:
    """`size`, or 0 where the values are omitted."""
    return where(omitted, 0, size)


def int64(value: Size) -> Tensor:
    return tf.cast(value, tf.int64)


def size_of(ids: Tensor) -> Size:
    """The length of a vector."""
    return int64(tf.shape(ids)[0]) if ids.shape[0] is None else int(ids.shape[0])


def branch(condition: Tensor | bool, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
    """What one of two functions returns; a condition that the graph knows leaves out the other."""
    if not tf.is_tensor(condition):
        return yes() if condition else no()
    return tf.cond(condition, yes, no)
