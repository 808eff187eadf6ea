"""The health of every layer of a run over all its steps, in at most `columns` columns.

A column is a bucket of the run's steps (the union over its tags), as many in one as in the other,
give or take one. In each, a tag shows its worst step: the most non-finite channels, then the most
dead ones, then the larger RMS (one that is not finite is larger than any), then the later step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.record.header import Header
from tb_activations.record.metadata import LAYERS, TagMetadata

DIGITS = 5
FLOATS = ("rms", "largest")
COUNTS = ("dead", "constant", "nonfinite")


@dataclass(frozen=True)
class Track:
    """One tag: ascending steps int64 [n], and the header of its last step.

    `read` gives its SUMMARY [n]; not held, since a run's may be many megabytes.
    """

    metadata: TagMetadata
    steps: np.ndarray
    read: Callable[[], np.ndarray]
    header: Header


@dataclass(frozen=True)
class Steps:
    """The union of the steps of all tags."""

    first: int
    last: int
    count: int


@dataclass(frozen=True)
class Strip:
    """One tag over all columns; header: of its last step.

    worst: `rms`, `largest`, `dead`, `constant`, `nonfinite` and `step` of the worst step in each
    column, all None where it has no step there.
    """

    metadata: TagMetadata
    header: Header
    worst: Mapping[str, list[Any]]


@dataclass(frozen=True)
class State:
    """One tag at one step; rms and largest are None where they are not finite."""

    step: int
    rms: float | None
    largest: float | None
    dead: int
    constant: int
    nonfinite: int


@dataclass(frozen=True)
class First:
    """The earliest step with a non-finite channel, and its first tag in model order."""

    tag: str
    step: int


@dataclass(frozen=True)
class Overview:
    """steps: None where there is none. columns: first and last step of each. strips, at: by tag."""

    steps: Steps | None
    columns: list[tuple[int, int]]
    strips: dict[str, Strip]
    at: dict[str, State]
    first_nonfinite: First | None


def overview(tracks: Mapping[str, Track], *, columns: int, step: int | None) -> Overview:
    """The health of these tracks.

    Args:
      tracks: by tag; each has at least one step.
      columns: at most so many columns.
      step: `at` holds each tag at its last step not after this one; None for the last of all.
    """
    steps = _union(track.steps for track in tracks.values())
    starts, ends = _buckets(steps, columns)
    strips, at, nonfinite = {}, {}, []
    for tag, track in tracks.items():
        summaries = track.read()
        strips[tag] = _strip(track, summaries, starts)
        entry = _at(track, summaries, step)
        if entry is not None:
            at[tag] = entry
        nonfinite += _nonfinite(tag, track, summaries)
    return Overview(
        steps=_span(steps),
        columns=list(zip(starts.tolist(), ends.tolist(), strict=True)),
        strips=strips,
        at=at,
        first_nonfinite=_first(nonfinite),
    )


def _union(all_steps: Iterable[np.ndarray]) -> np.ndarray:
    union = np.zeros(0, np.int64)
    for steps in all_steps:
        # Layers are mostly logged at the same steps.
        if not np.array_equal(steps, union):
            union = np.union1d(union, steps)
    return union


def _span(steps: np.ndarray) -> Steps | None:
    return Steps(int(steps[0]), int(steps[-1]), len(steps)) if len(steps) else None


def _buckets(steps: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last step of each bucket."""
    count = min(columns, len(steps))
    edges = np.arange(count + 1) * len(steps) // max(1, count)
    return steps[edges[:-1]], steps[edges[1:] - 1]


def _strip(track: Track, summaries: np.ndarray, starts: np.ndarray) -> Strip:
    bucket = np.searchsorted(starts, track.steps, side="right") - 1
    worst = _worst(summaries, bucket)
    rows: list[int | None] = [None] * len(starts)
    for row in worst:
        rows[bucket[row]] = int(row)
    of_worst = {
        **{name: _column(_floats(summaries[name][worst]), rows) for name in FLOATS},
        **{name: _column(summaries[name][worst].tolist(), rows) for name in COUNTS},
        "step": _column(track.steps[worst].tolist(), rows),
    }
    return Strip(track.metadata, track.header, of_worst)


def _worst(summaries: np.ndarray, bucket: np.ndarray) -> np.ndarray:
    """The rows, ascending, that are the worst of their bucket."""
    rms = np.where(np.isfinite(summaries["rms"]), summaries["rms"], np.inf)
    order = np.lexsort((rms, summaries["dead"], summaries["nonfinite"], bucket))
    last_of_bucket = np.append(np.diff(bucket[order]) > 0, True)
    return order[last_of_bucket]


def _column(values: Sequence[Any], rows: Sequence[int | None]) -> list[Any]:
    """`values` (one per filled bucket) at their places, None between."""
    following = iter(values)
    return [None if row is None else next(following) for row in rows]


def _at(track: Track, summaries: np.ndarray, step: int | None) -> State | None:
    last = len(track.steps)
    row = (last if step is None else int(np.searchsorted(track.steps, step, side="right"))) - 1
    if row < 0:
        return None
    summary = summaries[row : row + 1]
    rms, largest = (_floats(summary[name])[0] for name in FLOATS)
    dead, constant, nonfinite = (int(summary[name][0]) for name in COUNTS)
    return State(int(track.steps[row]), rms, largest, dead, constant, nonfinite)


def _nonfinite(tag: str, track: Track, summaries: np.ndarray) -> list[tuple[int, bool, int, str]]:
    """The tag's first step with a non-finite channel, if any, so that the least is the first.

    None of an attribution: it is not finite because something below it is not.
    """
    if track.metadata.kind not in LAYERS:
        return []
    rows = np.flatnonzero(summaries["nonfinite"])
    order = track.metadata.order
    return [(int(track.steps[row]), order is None, order or 0, tag) for row in rows[:1]]


def _first(nonfinite: list[tuple[int, bool, int, str]]) -> First | None:
    if not nonfinite:
        return None
    step, _, _, tag = min(nonfinite)
    return First(tag, step)


def _floats(values: np.ndarray) -> list[float | None]:
    """To DIGITS significant digits, so that they are short in JSON; None where not finite."""
    wide = values.astype(np.float64)
    finite = np.isfinite(wide)
    size = np.where(finite & (wide != 0), np.abs(wide), 1.0)
    factor = 10.0 ** (DIGITS - 1 - np.floor(np.log10(size)))
    short = np.round(np.where(finite, wide, 0.0) * factor) / factor
    return [v if ok else None for v, ok in zip(short.tolist(), finite.tolist(), strict=True)]
