"""Where examples and channels stand in what a module returns, found from two sizes of batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.training.fold import Fold, fold_of


@dataclass(frozen=True)
class Layout:
    """The axes of examples and of channels, as the module returns them.

    fold: how rows make the examples, None where each is one.
    """

    batch: int
    channels: int
    rank: int
    fold: Fold | None = None

    @property
    def channels_first(self) -> bool:
        """Of what `of` returns."""
        return self.rank > 2 and self._moved() == 1 != self.rank - 1

    def _moved(self) -> int:
        """Where the channels stand once the examples stand first."""
        if self.channels == self.batch:
            return self.rank - 1
        return self.channels + (self.channels < self.batch)

    def of(self, value: Any) -> Any:
        """A tensor `[…]` as `[n, c, …]` or `[n, …, c]`."""
        value = value.movedim(self.batch, 0) if self.batch else value
        at = self._moved()
        return value if at in (1, self.rank - 1) else value.movedim(at, -1)

    def shape(self, sides: Sequence[int]) -> tuple[int, ...]:
        """Of what `of` returns, unfolded."""
        order = list(sides)
        order.insert(0, order.pop(self.batch))
        at = self._moved()
        if at not in (1, self.rank - 1):
            order.append(order.pop(at))
        return self.fold.shape(order, self.channels_first) if self.fold else tuple(order)


@dataclass(frozen=True)
class Look:
    """What a pass shows of one output: its shape, and its values where rows are not examples.

    axis: of the channels. refusal: why it cannot be logged, whatever its rows.
    """

    shape: tuple[int, ...]
    axis: int
    values: np.ndarray | None = None
    refusal: str | None = None


def layout_of(few: Look | None, many: Look, counts: tuple[int, int]) -> Layout | str:
    """Or why the output cannot be logged.

    Args:
      few: of `counts[0]` examples, None where it is not there; many: of `counts[1]`, more.
    """
    n, m = counts
    rank = len(many.shape)
    if few is None:
        return "it does not run with every number of examples"
    if len(few.shape) != rank:
        return f"it returns {few.shape} for {n} examples and {many.shape} for {m}"
    grew = [i for i in range(rank) if few.shape[i] != many.shape[i]]
    exact = [i for i in grew if (few.shape[i], many.shape[i]) == (n, m)]
    if exact:
        return Layout(exact[0], many.axis, rank)
    if not grew:
        return f"it returns {many.shape} whatever the number of examples"
    if grew[0] != 0 or few.values is None or many.values is None:
        return f"it returns {few.shape} for {n} examples and {many.shape} for {m}"
    fold = fold_of(few.values, many.values, counts)
    return fold if isinstance(fold, str) else Layout(0, many.axis, rank, fold)


def of_one_size(look: Look, count: int) -> Layout | str:
    """Where the model takes one number of examples alone."""
    if look.shape[0] == count:
        return Layout(0, look.axis, len(look.shape))
    return f"it returns {look.shape} for {count} examples"


def grown(few: Look, many: Look, counts: tuple[int, int], count: int) -> tuple[int, ...]:
    """The shape for `count` examples; sides that go by their number do so."""
    n, m = counts
    return tuple(
        many.shape[i] if a == b else count if (a, b) == (n, m) else count * a // n
        for i, (a, b) in enumerate(zip(few.shape, many.shape, strict=True))
    )
