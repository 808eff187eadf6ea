"""The health of every layer of a run over all its steps, in at most `columns` columns.

A column is a bucket of the run's steps (the union over its tags), as many in one as in the other,
give or take one. In each, a tag shows its worst step: the most non-finite channels, then the most
dead ones, then the larger RMS (one that is not finite is larger than any), then the later step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.metadata import TagMetadata
from tb_activations.record import Header

DIGITS = 5
FLOATS = ("rms", "largest")
COUNTS = ("dead", "constant", "nonfinite")


@dataclass(frozen=True)
class Track:
    """One tag: ascending steps int64 [n], SUMMARY [n], and the header of its last step."""

    metadata: TagMetadata
    steps: np.ndarray
    summaries: np.ndarray
    header: Header


def overview(tracks: Mapping[str, Track], *, columns: int, step: int | None) -> dict[str, Any]:
    """What `/overview` answers about these tracks, less `complete` and `sampled`.

    Args:
      tracks: by tag; each has at least one step.
      columns: at most so many columns.
      step: `at` holds each tag at its last step not after this one; None for the last of all.
    """
    steps = _union([track.steps for track in tracks.values()])
    starts, ends = _buckets(steps, columns)
    return {
        "steps": _span(steps),
        "columns": [[int(a), int(b)] for a, b in zip(starts, ends, strict=True)],
        "tags": {tag: _strip(track, starts) for tag, track in tracks.items()},
        "at": {
            tag: entry for tag, track in tracks.items() if (entry := _at(track, step)) is not None
        },
        "first_nonfinite": _first_nonfinite(tracks),
    }


def _union(all_steps: Sequence[np.ndarray]) -> np.ndarray:
    if not all_steps:
        return np.zeros(0, np.int64)
    return np.unique(np.concatenate(all_steps))


def _span(steps: np.ndarray) -> dict[str, int] | None:
    if not len(steps):
        return None
    return {"first": int(steps[0]), "last": int(steps[-1]), "count": len(steps)}


def _buckets(steps: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last step of each bucket."""
    count = min(columns, len(steps))
    edges = np.arange(count + 1) * len(steps) // max(1, count)
    return steps[edges[:-1]], steps[edges[1:] - 1]


def _strip(track: Track, starts: np.ndarray) -> dict[str, Any]:
    bucket = np.searchsorted(starts, track.steps, side="right") - 1
    worst = _worst(track.summaries, bucket)
    rows: list[int | None] = [None] * len(starts)
    for row in worst:
        rows[bucket[row]] = int(row)
    return {
        "kind": track.metadata.kind,
        "order": track.metadata.order,
        "shape": list(track.header.shape),
        "batch": track.header.batch,
        "channels": track.header.channels,
        **{name: _column(_floats(track.summaries[name][worst]), rows) for name in FLOATS},
        **{name: _column(track.summaries[name][worst].tolist(), rows) for name in COUNTS},
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


def _at(track: Track, step: int | None) -> dict[str, Any] | None:
    last = len(track.steps)
    row = (last if step is None else int(np.searchsorted(track.steps, step, side="right"))) - 1
    if row < 0:
        return None
    summary = track.summaries[row : row + 1]
    return {
        "step": int(track.steps[row]),
        **{name: _floats(summary[name])[0] for name in FLOATS},
        **{name: int(summary[name][0]) for name in COUNTS},
    }


def _first_nonfinite(tracks: Mapping[str, Track]) -> dict[str, Any] | None:
    """The earliest step with a non-finite channel, and its first tag in model order."""
    found = []
    for tag, track in tracks.items():
        rows = np.flatnonzero(track.summaries["nonfinite"])
        if len(rows):
            order = track.metadata.order
            found.append((int(track.steps[rows[0]]), order is None, order or 0, tag))
    if not found:
        return None
    step, _, _, tag = min(found)
    return {"tag": tag, "step": step}


def _floats(values: np.ndarray) -> list[float | None]:
    """To DIGITS significant digits, so that they are short in JSON; None where not finite."""
    wide = values.astype(np.float64)
    finite = np.isfinite(wide)
    size = np.where(finite & (wide != 0), np.abs(wide), 1.0)
    factor = 10.0 ** (DIGITS - 1 - np.floor(np.log10(size)))
    short = np.round(np.where(finite, wide, 0.0) * factor) / factor
    return [v if ok else None for v, ok in zip(short.tolist(), finite.tolist(), strict=True)]
