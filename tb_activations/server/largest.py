"""Which of the stored examples fire a channel most, and where, for `/top`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tb_activations.record.storage import restore
from tb_activations.record.values import Record, read_values


@dataclass(frozen=True)
class Largest:
    """The largest finite value of a channel in one example.

    position: of the example among those stored. example: in the batch. value: None where none is
    finite. place: its index on each spatial axis, the first of equals; None without a value, empty
    without such axes. nonfinite: how many values of the example were left aside.
    """

    position: int
    example: int
    value: float | None
    place: tuple[int, ...] | None
    nonfinite: int


def largest_of(record: Record, channel: int) -> list[Largest]:
    """One entry a stored example, the largest value first; of equals the first example.

    Args:
      channel: its stored position.

    Raises RecordError where the values are damaged or were not stored.
    """
    stored = read_values(record, channels=slice(channel, channel + 1))[:, 0]
    values = restore(stored, record.header.exponent)
    found = [
        _largest(i, example, plane)
        for i, (example, plane) in enumerate(zip(record.header.examples, values, strict=True))
    ]
    return sorted(found, key=lambda one: -np.inf if one.value is None else one.value, reverse=True)


def _largest(position: int, example: int, plane: np.ndarray) -> Largest:
    finite = np.isfinite(plane)
    nonfinite = int(plane.size - np.count_nonzero(finite))
    if nonfinite == plane.size:
        return Largest(position, example, None, None, nonfinite)
    where = np.unravel_index(np.where(finite, plane, -np.inf).argmax(), plane.shape)
    value = float(plane[where])
    return Largest(position, example, value, tuple(int(one) for one in where), nonfinite)
