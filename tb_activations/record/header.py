"""The header of a record: what the other blobs hold, as UTF-8 JSON.

A `Header` that `parse_header` returns has been checked field by field, and the fields against
each other: the sizes in it can be believed before anything is inflated.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.record.attribution import Explanation, parse_explanation
from tb_activations.record.errors import RecordError
from tb_activations.record.metadata import VERSION
from tb_activations.record.pages import CODECS
from tb_activations.record.storage import STORED

MAX_RECORD_BYTES = 1 << 30
MAX_CHANNELS = 1 << 22
_MAX_HEADER_BYTES = 1 << 26
_MAX_SIDE = 1 << 40
_MAX_AFTER = 16


@dataclass(frozen=True)
class Header:
    """What one record holds.

    dtype: storage, "float16" or "float32". source: the name of the logged dtype. exponent: true
    value = stored · 2**exponent. codec: "png" or "tensor". shape: of what is stored, channels
    last, `(n, *spatial, c)`. batch: examples that were passed in. channels: channels of the
    layer. examples: positions in the batch of the n kept. channel_ids: of the c kept, None for
    all. pages: planes on each page. omitted: None, or why there are no pages. statistics: the
    codec of the statistics' blob. attribution: what the values explain, None for what they are.
    after: names of the blobs that stand after the pages, in their order.
    """

    version: int
    dtype: str
    source: str
    exponent: int
    codec: str
    shape: tuple[int, ...]
    batch: int
    channels: int
    examples: tuple[int, ...]
    channel_ids: tuple[int, ...] | None
    pages: tuple[int, ...]
    omitted: str | None = None
    statistics: str = "tensor"
    attribution: Explanation | None = None
    after: tuple[str, ...] = ()

    @property
    def scale(self) -> float:
        """True value = stored · scale."""
        return math.ldexp(1.0, self.exponent)

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """`(n, c, *spatial)`, as values are served; `(n, c)` for a dense layer."""
        return (self.shape[0], self.shape[-1], *self.shape[1:-1])

    @property
    def dense(self) -> bool:
        """Whether a plane is a whole example `[c]`."""
        return len(self.shape) == 2

    @property
    def planes(self) -> int:
        return self.shape[0] if self.dense else self.shape[0] * self.shape[-1]

    @property
    def plane_size(self) -> int:
        return self.shape[1] if self.dense else math.prod(self.shape[1:-1])

    @property
    def value_bytes(self) -> int:
        """What the stored values take when inflated."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def to_json(self) -> bytes:
        # Not asdict, which copies thousands of channel_ids one by one.
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        explanation = named.pop("attribution")
        if explanation is not None:
            named["attribution"] = explanation.fields()
        if not named["after"]:
            del named["after"]
        return json.dumps(named, separators=(",", ":")).encode("utf-8")


def parse_header(blob: bytes) -> Header:
    """The header in `blob`, every field checked.

    Raises:
      RecordError: not JSON, of another version, or a field that is missing or impossible.
    """
    fields = _parse_json(blob)
    version = fields.get("version")
    if version != VERSION or isinstance(version, bool):
        raise RecordError(f"a record of version {version!r}; this tb_activations reads {VERSION}")
    ids = fields.get("channel_ids")
    omitted = fields.get("omitted")
    explanation = fields.get("attribution")
    header = Header(
        version=VERSION,
        dtype=_word(fields, "dtype", STORED),
        source=_word(fields, "source"),
        exponent=_integer(fields.get("exponent"), "exponent", -1200, 1200),
        codec=_word(fields, "codec", CODECS),
        shape=_integers(fields, "shape"),
        batch=_integer(fields.get("batch"), "batch"),
        channels=_integer(fields.get("channels"), "channels", 0, MAX_CHANNELS),
        examples=_integers(fields, "examples"),
        channel_ids=None if ids is None else _integers(fields, "channel_ids"),
        pages=_integers(fields, "pages"),
        omitted=None if omitted is None else _word(fields, "omitted"),
        statistics=_word({"statistics": "tensor", **fields}, "statistics", CODECS),
        after=_words({"after": [], **fields}, "after"),
    )
    _check_header(header)
    if explanation is None:
        return header
    explained = parse_explanation(explanation, header.shape[0], header.channels)
    return dataclasses.replace(header, attribution=explained)


def _parse_json(blob: bytes) -> dict[str, Any]:
    if len(blob) > _MAX_HEADER_BYTES:
        raise RecordError(f"a header of {len(blob):,} bytes")
    try:
        fields = json.loads(blob.decode("utf-8"))
    except (ValueError, RecursionError) as e:
        raise RecordError(f"a header that is not JSON: {blob[:60]!r}") from e
    if not isinstance(fields, dict):
        raise RecordError(f"a header that is not a JSON object: {blob[:60]!r}")
    return fields


def _word(fields: dict[str, Any], name: str, choices: Sequence[str] = ()) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > 200 or (choices and value not in choices):
        raise RecordError(f"a header whose {name} is {str(value)[:60]!r}")
    return value


def _words(fields: dict[str, Any], name: str) -> tuple[str, ...]:
    values = fields[name]
    if not isinstance(values, list) or len(values) > _MAX_AFTER:
        raise RecordError(f"a header whose {name} is {str(values)[:60]!r}")
    return tuple(_word({name: value}, name) for value in values)


def _integer(value: Any, name: str, low: int = 0, high: int = _MAX_SIDE) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise RecordError(f"a header whose {name} is {str(value)[:60]!r}")
    return value


def _integers(fields: dict[str, Any], name: str) -> tuple[int, ...]:
    values = fields.get(name)
    if not isinstance(values, list):
        raise RecordError(f"a header whose {name} is {str(values)[:60]!r}")
    return tuple(_integer(value, name) for value in values)


def _check_header(header: Header) -> None:
    """The fields against each other."""
    n, c = (header.shape[0], header.shape[-1]) if header.shape else (0, 0)
    ids = header.channel_ids
    checks = {
        "shape": 2 <= len(header.shape) <= 5,
        "examples": len(header.examples) == n and all(e < header.batch for e in header.examples),
        "channels": c == (header.channels if ids is None else len(ids)),
        "channel_ids": ids is None or all(i < header.channels for i in ids),
    }
    if header.omitted is None:
        checks["size"] = header.value_bytes <= MAX_RECORD_BYTES
        full = sum(header.pages) == (header.planes if header.plane_size else 0)
        checks["pages"] = full and all(header.pages)
    for name, holds in checks.items():
        if not holds:
            raise RecordError(f"a header whose {name} disagrees with its other fields")
