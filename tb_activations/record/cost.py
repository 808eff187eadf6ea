"""What an update has cost, in the last record that it writes: a blob of its own after the pages.

UTF-8 JSON of the fields of `UpdateCost`. The header's `after` names the blobs that stand there, in
their order, `COST` among them; what an update takes is never in the header, which stays the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from tb_activations.record.decoder import Blob
from tb_activations.record.header import Header, parse_header
from tb_activations.record.json_blob import blob_after, parsed
from tb_activations.record.values import Record

COST = "cost"
MAX_BYTES = 1 << 16


@dataclass(frozen=True)
class UpdateCost:
    """Of one update of a training.

    seconds: of the thread that trains. share: of the time that has passed since the first update,
    what all updates since took, 0 to 1; None where only the first one was. bytes: that the records
    of the layers take on disk.
    """

    seconds: float
    share: float | None
    bytes: int


def with_cost(blobs: list[bytes], cost: UpdateCost) -> list[bytes]:
    """The blobs of a record of kind "activation", which hold the cost now."""
    header = replace(parse_header(blobs[Blob.HEADER]), after=(COST,))
    # Of so many digits whatever they are: each update writes as many bytes as the one before.
    share = "null" if cost.share is None else f"{cost.share:.6e}"
    content = f'{{"seconds":{cost.seconds:.6e},"share":{share},"bytes":{cost.bytes}}}'
    return [header.to_json(), *blobs[1:], content.encode("utf-8")]


def holds_cost(header: Header) -> bool:
    return COST in header.after


def read_cost(record: Record) -> UpdateCost:
    """The cost in a record whose header says that it has one. Raises RecordError."""
    return parse_cost(blob_after(record, record.header.after.index(COST)))


def parse_cost(blob: bytes) -> UpdateCost:
    """The cost in a blob, every field checked. Raises RecordError."""
    return parsed(blob, "a cost", MAX_BYTES, _cost)


def _cost(fields: dict[str, Any]) -> UpdateCost:
    share = fields.get("share")
    return UpdateCost(
        _number(fields["seconds"]),
        None if share is None else _number(share, 1),
        int(_number(fields["bytes"], 1 << 62)),
    )


def _number(value: Any, high: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
        raise ValueError(f"a number {str(value)[:60]}")
    if not math.isfinite(value):
        raise ValueError(f"a number {value}")
    return float(value)
