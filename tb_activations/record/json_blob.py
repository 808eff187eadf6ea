"""A blob of UTF-8 JSON after the pages of a record: written compactly, read field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from tb_activations.record.decoder import Blob
from tb_activations.record.encoder import encode
from tb_activations.record.errors import RecordError
from tb_activations.record.values import Record

T = TypeVar("T")
BROKEN = (ValueError, RecursionError, AttributeError, TypeError, KeyError, OverflowError)


def lone_blobs(fields: Mapping[str, Any]) -> list[bytes]:
    """The blobs of a record that holds these fields alone, of an array of a single 0."""
    content = json.dumps(fields, separators=(",", ":"), allow_nan=False)
    return [*encode(np.zeros((1, 1), np.float32)), content.encode("utf-8")]


def blob_after(record: Record, place: int = 0) -> bytes:
    """The blob at this place after the pages. Raises RecordError where there is none."""
    [blob] = record.blobs([Blob.FIRST_PAGE + len(record.header.pages) + place])
    return blob


def parsed(blob: bytes, what: str, most: int, build: Callable[[dict[str, Any]], T]) -> T:
    """What `build` makes of the fields.

    Args:
      what: how an error calls it. most: bytes that it may take.
      build: raises one of BROKEN for fields that cannot be.

    Raises:
      RecordError: it is too large, is no JSON, or its fields cannot be.
    """
    if len(blob) > most:
        raise RecordError(f"{what} of {len(blob):,} bytes")
    try:
        return build(json.loads(blob.decode("utf-8")))
    except BROKEN as e:
        raise RecordError(f"{what} that cannot be read: {blob[:60]!r}") from e
