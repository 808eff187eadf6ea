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

# So many at once have their labels said: these are read from the records, one by one.
MAX_LABELLED = 1000
_LATEST_MS = 2**53


@dataclass(frozen=True)
class Kind:
    """What some steps have in common; labels are None where none are known."""

    header: Header
    labels: tuple[str, ...] | None


@dataclass(frozen=True)
class Columns:
    """Steps int64 [n] ascending, their wall times in ms int64 [n], numbers among `kinds` int64 [n].

    labelled: whether the kinds say the labels.
    """

    steps: np.ndarray
    times: np.ndarray
    kinds: list[Kind]
    numbers: np.ndarray
    labelled: bool


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
    labelled = len(alike) <= MAX_LABELLED
    _, firsts, which = np.unique(alike, return_index=True, return_inverse=True)
    headers = [_header(series, since + int(first)) for first in firsts]
    readable = np.array([header is not None for header in headers], bool)[which]
    positions = since + np.flatnonzero(readable)
    labels = [series.labels(int(i)) if labelled else None for i in positions]
    numbers, kinds = _kinds(headers, which[readable], labels)
    return Columns(
        steps=series.steps[positions],
        times=_milliseconds(series.wall_times[positions]),
        kinds=kinds,
        numbers=numbers,
        labelled=labelled,
    )


def _header(series: Series, position: int) -> Header | None:
    try:
        return series.header(position)
    except (RecordError, Gone, OSError):
        return None


def _kinds(
    headers: list[Header | None], which: np.ndarray, labels: list[tuple[str, ...] | None]
) -> tuple[np.ndarray, list[Kind]]:
    """Numbers by step, in the order in which kinds first appear, and the kinds."""
    known: dict[tuple, int] = {}
    pairs = zip(which.tolist(), labels, strict=True)
    numbers = np.array([known.setdefault(pair, len(known)) for pair in pairs], np.int64)
    return numbers, [Kind(header, text) for i, text in known if (header := headers[i])]


def _milliseconds(wall_times: np.ndarray) -> np.ndarray:
    """0 where it is no time."""
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = np.rint(wall_times * 1000)
        return np.where(np.abs(rounded) < _LATEST_MS, rounded, 0).astype(np.int64)
