"""The steps of one tag as columns, for who shows a hundred thousand, and how far it has come.

`/steps?form=packed` and `/latest`. Steps, wall times and the number of a kind, one entry a step; a
kind is what steps have in common.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tb_activations.record.errors import RecordError
from tb_activations.record.header import Header
from tb_activations.sources.series import Gone, Series

# Labels are read from the records, one by one: so many steps at once have theirs said, of more the
# last few, which are looked at first.
MAX_LABELLED = 1000
LAST_LABELLED = 64
_LATEST_MS = 2**53


@dataclass(frozen=True)
class Kind:
    """What some steps have in common; labels are None where there are none, or are not said."""

    header: Header
    labels: tuple[str, ...] | None
    labelled: bool


@dataclass(frozen=True)
class Columns:
    """Steps int64 [n] ascending, wall times in ms int64 [n], numbers among `kinds` int64 [n]."""

    steps: np.ndarray
    times: np.ndarray
    kinds: list[Kind]
    numbers: np.ndarray


@dataclass(frozen=True)
class Packed:
    """The steps of a tag from the position `first` on, as columns; `count` is of all there are."""

    complete: bool
    sampled: bool
    source: str
    first: int
    count: int
    columns: Columns


@dataclass(frozen=True)
class Latest:
    """How far a tag has come, and how many tags its run has; step is None where there is none."""

    complete: bool
    sampled: bool
    source: str
    count: int
    step: int | None
    wall_time: float | None
    tags: int


def columns(series: Series, since: int, most: int | None = None) -> Columns:
    """The steps from the position `since` on, `most` of them.

    Those whose header cannot be read are left out.
    """
    alike = series.alike()[since:][:most]
    _, firsts, which = np.unique(alike, return_index=True, return_inverse=True)
    headers = [_header(series, since + int(first)) for first in firsts]
    readable = np.array([header is not None for header in headers], bool)[which]
    positions = since + np.flatnonzero(readable)
    silent = 0 if len(alike) <= MAX_LABELLED else since + len(alike) - LAST_LABELLED
    labels = [(True, series.labels(int(i))) if i >= silent else (False, None) for i in positions]
    numbers, kinds = _kinds(headers, which[readable], labels)
    return Columns(
        steps=series.steps[positions],
        times=_milliseconds(series.wall_times[positions]),
        kinds=kinds,
        numbers=numbers,
    )


def _header(series: Series, position: int) -> Header | None:
    try:
        return series.header(position)
    except (RecordError, Gone, OSError):
        return None


def _kinds(
    headers: list[Header | None],
    which: np.ndarray,
    labels: list[tuple[bool, tuple[str, ...] | None]],
) -> tuple[np.ndarray, list[Kind]]:
    """Numbers by step, in the order in which kinds first appear, and the kinds."""
    known: dict[tuple, int] = {}
    pairs = zip(which.tolist(), labels, strict=True)
    numbers = np.array([known.setdefault(pair, len(known)) for pair in pairs], np.int64)
    return numbers, [
        Kind(header, text, said) for i, (said, text) in known if (header := headers[i])
    ]


def _milliseconds(wall_times: np.ndarray) -> np.ndarray:
    """0 where it is no time."""
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = np.rint(wall_times * 1000)
        return np.where(np.abs(rounded) < _LATEST_MS, rounded, 0).astype(np.int64)
