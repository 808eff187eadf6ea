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
from tb_activations.record.metadata import TagMetadata

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


def overview(tracks: Mapping[str, Track], *, columns: int, step: int | None) -> dict[str, Any]:
    """What `/overview` answers about these tracks, less `complete` and `sampled`.

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
    return {
        "steps": _span(steps),
        "columns": [[int(a), int(b)] for a, b in zip(starts, ends, strict=True)],
        "tags": strips,
        "at": at,
        "first_nonfinite": _first(nonfinite),
    }


def _union(all_steps: Iterable[np.ndarray]) -> np.ndarray:
    union = np.zeros(0, np.int64)
    for steps in all_steps:
        # Layers are mostly logged at the same steps.
        if not np.array_equal(steps, union):
            union = np.union1d(union, steps)
    return union


def _span(steps: np.ndarray) -> dict[str, int] | None:
    if not len(steps):
        return None
    return {"first": int(steps[0]), "last": int(steps[-1]), "count": len(steps)}


def _buckets(steps: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last step of each bucket."""
    count = min(columns, len(steps))
    edges = np.arange(count + 1) * len(steps) // max(1, count)
    return steps[edges[:-1]], steps[edges[1:] - 1]


def _strip(track: Track, summaries: np.ndarray, starts: np.ndarray) -> dict[str, Any]:
    bucket = np.searchsorted(starts, track.steps, side="right") - 1
    worst = _worst(summaries, bucket)
    rows: list[int | None] = [None] * len(starts)
    for row in worst:
        rows[bucket[row]] = int(row)
    return {
        "kind": track.metadata.kind,
        "order": track.metadata.order,
        "shape": list(track.header.shape),
        "batch": track.header.batch,
        "channels": track.header.channels,
        **{name: _column(_floats(summaries[name][worst]), rows) for name in FLOATS},
        **{name: _column(summaries[name][worst].tolist(), rows) for name in COUNTS},
        "step": _column(track.steps[worst].tolist(), rows),
    }


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


def _at(track: Track, summaries: np.ndarray, step: int | None) -> dict[str, Any] | None:
    last = len(track.steps)
    row = (last if step is None else int(np.searchsorted(track.steps, step, side="right"))) - 1
    if row < 0:
        return None
    summary = summaries[row : row + 1]
    return {
        "step": int(track.steps[row]),
        **{name: _floats(summary[name])[0] for name in FLOATS},
        **{name: int(summary[name][0]) for name in COUNTS},
    }


def _nonfinite(tag: str, track: Track, summaries: np.ndarray) -> list[tuple[int, bool, int, str]]:
    """The tag's first step with a non-finite channel, if any, so that the least is the first."""
    rows = np.flatnonzero(summaries["nonfinite"])
    order = track.metadata.order
    return [(int(track.steps[row]), order is None, order or 0, tag) for row in rows[:1]]


def _first(nonfinite: list[tuple[int, bool, int, str]]) -> dict[str, Any] | None:
    """The earliest step with a non-finite channel, and its first tag in model order."""
    if not nonfinite:
        return None
    step, _, _, tag = min(nonfinite)
    return {"tag": tag, "step": step}


def _floats(values: np.ndarray) -> list[float | None]:
    """To DIGITS significant digits, so that they are short in JSON; None where not finite."""
    wide = values.astype(np.float64)
    finite = np.isfinite(wide)
    size = np.where(finite & (wide != 0), np.abs(wide), 1.0)
    factor = 10.0 ** (DIGITS - 1 - np.floor(np.log10(size)))
    short = np.round(np.where(finite, wide, 0.0) * factor) / factor
    return [v if ok else None for v, ok in zip(short.tolist(), finite.tolist(), strict=True)]
