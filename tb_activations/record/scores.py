"""What an attribution's maps add up to, at one step: the blob after a record's pages.

UTF-8 JSON, each member `[n][k]` (examples, targets) or null. A number that is not finite is null
there, and NaN here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.record.encoder import Kept, blobs
from tb_activations.record.errors import RecordError
from tb_activations.record.header import Header
from tb_activations.record.json_blob import blob_after, parsed
from tb_activations.record.options import Options
from tb_activations.record.values import Record

MEMBERS = ("scores", "probabilities", "baseline_scores", "gaps", "errors")
MAX_BYTES = 16 << 20


@dataclass(frozen=True, eq=False)
class Scores:
    """float64 `[n, k]` each, in units of the score; None where the method has none.

    scores: of each target. probabilities: of each target. baseline_scores: at the baseline. gaps:
    what the values do not account for. targets: int64 `[n, k]`, the classes of this step, where the
    header has none and the target is one. errors: the values' standard error as a multiple of the
    values, root mean squares of both.
    """

    scores: np.ndarray
    probabilities: np.ndarray | None = None
    baseline_scores: np.ndarray | None = None
    gaps: np.ndarray | None = None
    targets: np.ndarray | None = None
    errors: np.ndarray | None = None


def attribution_blobs(
    kept: Kept, scores: Scores, labels: Sequence[Any] | None, options: Options
) -> list[bytes]:
    """The record of maps: that of `kept`, whose `explanation` it needs, and the scores' blob.

    Raises:
      ValueError: what `blobs` refuses, or scores of another shape.
    """
    if kept.explanation is None:
        raise ValueError("a record of an attribution needs an explanation")
    shape = (len(kept.values), kept.channels // kept.explanation.parts)
    for name in (*MEMBERS, "targets"):
        value = getattr(scores, name)
        if value is not None and np.shape(value) != shape:
            raise ValueError(f"{name} are {list(np.shape(value))}; they must be {list(shape)}")
    return [*blobs(kept, labels, options), _to_json(scores)]


def read_scores(record: Record) -> Scores:
    """The scores of a record. Raises RecordError where it does not hold them."""
    header = record.header
    if header.attribution is None:
        raise RecordError("a record of no attribution, which has no scores")
    return parse_scores(blob_after(record), header)


def parse_scores(blob: bytes, header: Header) -> Scores:
    """The scores in a blob, every member checked. Raises RecordError."""
    if header.attribution is None:
        raise RecordError(f"scores of {len(blob):,} bytes")
    shape = (header.shape[0], header.channels // header.attribution.parts)

    def tables_of(fields: dict[str, Any]) -> dict[str, np.ndarray | None]:
        tables = {name: _table(fields.get(name), shape, np.float64) for name in MEMBERS}
        return tables | {"targets": _table(fields.get("targets"), shape, np.int64)}

    tables = parsed(blob, "scores", MAX_BYTES, tables_of)
    scores = tables.pop("scores")
    if scores is None:
        raise RecordError(f"scores that are missing: {blob[:60]!r}")
    return Scores(scores, **tables)


def listed(table: np.ndarray | None) -> list[list[float | None]] | None:
    """`[n][k]` as JSON has it: null for what is not finite."""
    if table is None:
        return None
    if table.dtype.kind in "iu":
        return table.tolist()
    rows = zip(table.tolist(), np.isfinite(table).tolist(), strict=True)
    return [[v if ok else None for v, ok in zip(*row, strict=True)] for row in rows]


def _to_json(scores: Scores) -> bytes:
    fields = {name: listed(_wide(getattr(scores, name))) for name in MEMBERS}
    if scores.targets is not None:
        fields["targets"] = np.asarray(scores.targets, np.int64).tolist()
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode("utf-8")


def _wide(table: Any) -> np.ndarray | None:
    return None if table is None else np.asarray(table, np.float64)


def _table(rows: Any, shape: tuple[int, int], dtype: Any) -> np.ndarray | None:
    if rows is None:
        return None
    floats = dtype is np.float64
    table = np.array(
        [[np.nan if v is None and floats else v for v in row] for row in rows],
        np.float64 if floats else None,
    )
    if table.shape != shape or (not floats and table.size and table.dtype.kind not in "iu"):
        raise ValueError(f"a table of shape {table.shape}")
    return table.astype(dtype)
