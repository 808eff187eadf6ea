"""What a record keeps of a layer, and what can be kept at all.

`Options` is checked in its constructor: whoever holds one, in NumPy or in a framework, need not
check it again. A layout is said as `data_format` at the public door, and asked as `channels_first`
behind it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.record.header import MAX_RECORD_BYTES
from tb_activations.record.storage import PRECISIONS

DATA_FORMATS = ("channels_last", "channels_first")


@dataclass(frozen=True)
class Options:
    """The options that shape a record.

    max_outputs: how many examples are kept, the first ones. max_channels: how many channels, evenly
    spread; None for all. precision: "auto", "float16" or "float32", see `storage`. compression: 0
    (none) to 9. data_format: "channels_last" or "channels_first", of what is logged.

    Raises:
      ValueError: an option that no record can be written with; names the value and the choices.
    """

    max_outputs: int = 4
    max_channels: int | None = None
    precision: str = "auto"
    compression: int = 1
    data_format: str = "channels_last"

    def __post_init__(self) -> None:
        _check_count("max_outputs", self.max_outputs, "an integer of at least 1")
        if self.max_channels is not None:
            _check_count("max_channels", self.max_channels, "an integer of at least 1, or None")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision is {self.precision!r}; it must be 'auto', 'float16' or 'float32'"
            )
        if not _is_integer(self.compression) or not 0 <= self.compression <= 9:
            raise ValueError(
                f"compression is {self.compression!r}; it must be an integer from 0 to 9"
            )
        check_data_format(self.data_format)

    @property
    def channels_first(self) -> bool:
        return self.data_format == "channels_first"


def check_data_format(data_format: str) -> None:
    """Refuses a layout other than the two."""
    if data_format not in DATA_FORMATS:
        raise ValueError(
            f"data_format is {data_format!r}; it must be 'channels_last' or 'channels_first'"
        )


def check_rank(rank: int) -> None:
    """Refuses a rank other than 2 to 5."""
    if not 2 <= rank <= 5:
        raise ValueError(
            f"activations of rank {rank} cannot be logged; accepted are rank 2 [n, c], "
            "3 [n, l, c], 4 [n, h, w, c] and 5 [n, d, h, w, c]"
        )


def check_size(shape: Sequence[int], precision: str) -> None:
    """Refuses more values than one record may hold."""
    size = math.prod(shape) * value_bytes(precision)
    if over_limit(size):
        raise ValueError(
            f"the values to keep, {tuple(shape)} in {least(precision)}, take {size:,} bytes; a "
            f"record holds at most {MAX_RECORD_BYTES:,}: lower max_outputs or max_channels"
        )


def least(precision: str) -> str:
    """The storage dtype in which a record of this precision is smallest."""
    return "float16" if precision == "auto" else precision


def value_bytes(precision: str) -> int:
    """What one stored value takes at least."""
    return np.dtype(least(precision)).itemsize


def over_limit(size: Any) -> Any:
    """Whether so many bytes, an integer or a tensor of one, are more than a record may hold."""
    return size > MAX_RECORD_BYTES


def kept_channels(channels: int, max_channels: int | None) -> tuple[int, ...] | None:
    """The ids of the channels kept, None for all: round(i·(C−1)/(k−1)), halves to even."""
    if max_channels is None or max_channels >= channels:
        return None
    if max_channels == 1:
        return (0,)
    return tuple(round_half_even(i * (channels - 1), max_channels - 1) for i in range(max_channels))


def round_half_even(numerator: int, denominator: int) -> int:
    """round(numerator / denominator) of integers ≥ 0, exactly."""
    quotient, rest = divmod(numerator, denominator)
    return quotient + int(2 * rest > denominator or (2 * rest == denominator and quotient % 2))


def _check_count(name: str, value: Any, accepted: str) -> None:
    if not _is_integer(value) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be {accepted}")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
