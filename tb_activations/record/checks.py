"""What a randomization check found of one method, in a record of its own, a tag of kind "run".

As `run`'s, the record is one of an array of a single 0 with one blob more, UTF-8 JSON of the fields
of `Check`. There is one tag a method, `__randomization__/grad_cam`, of which the last record holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tb_activations.record.json_blob import blob_after, lone_blobs, parsed
from tb_activations.record.values import Record

CHECK_TAG = "__randomization__/"
VERDICTS = ("passes", "fails", "cannot be told")
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Check:
    """See docs/format.md, "Randomization checks".

    method, parameters, layer: as in an attribution's `Explanation`. signed, absolute: of each
    stage, the mean correlation; None where there is none. stages: the layers of each.
    """

    method: str
    verdict: str
    likeness: float | None
    threshold: float
    parameters: Mapping[str, Any]
    layer: str | None
    weights: str
    stages: tuple[tuple[str, ...], ...]
    signed: tuple[float | None, ...]
    absolute: tuple[float | None, ...]


def check_blobs(check: Check) -> list[bytes]:
    """The blobs of a check's record."""
    return lone_blobs(asdict(check))


def read_check(record: Record) -> Check:
    """The check in a record. Raises RecordError where it does not hold one."""
    return parse_check(blob_after(record))


def parse_check(blob: bytes) -> Check:
    """The check in a blob, every field checked. Raises RecordError."""
    return parsed(blob, "a randomization check", MAX_BYTES, _built)


def _built(fields: dict[str, Any]) -> Check:
    layer = fields.get("layer")
    return Check(
        method=str(fields["method"]),
        verdict=_one_of(fields["verdict"]),
        likeness=_number(fields.get("likeness")),
        threshold=float(fields["threshold"]),
        parameters=dict(fields.get("parameters") or {}),
        layer=None if layer is None else str(layer),
        weights=str(fields.get("weights", "")),
        stages=tuple(tuple(map(str, one)) for one in fields.get("stages", ())),
        signed=tuple(map(_number, fields.get("signed", ()))),
        absolute=tuple(map(_number, fields.get("absolute", ()))),
    )


def _one_of(verdict: Any) -> str:
    if verdict not in VERDICTS:
        raise ValueError(f"verdict {verdict!r}")
    return str(verdict)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
