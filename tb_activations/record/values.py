"""The stored values of a record, read page by page as far as they are wanted."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tb_activations.record.decoder import Blob, decode, page_range
from tb_activations.record.errors import RecordError
from tb_activations.record.header import Header, parse_header

EVERY = slice(None)


class Record(Protocol):
    """One record: its header is parsed, its blobs are read when they are asked for."""

    @property
    def header(self) -> Header: ...

    def blobs(self, indices: Sequence[int]) -> list[bytes]:
        """The blobs of these numbers. Raises RecordError on damage, and what its source raises."""
        ...


@dataclass(frozen=True)
class WholeRecord:
    """A record whose blobs are all at hand. Raises RecordError where one is damaged or missing."""

    all: Sequence[bytes]

    @functools.cached_property
    def header(self) -> Header:
        return parse_header(self.blobs([Blob.HEADER])[0])

    def blobs(self, indices: Sequence[int]) -> list[bytes]:
        missing = [i for i in indices if not 0 <= i < len(self.all)]
        if missing:
            raise RecordError(f"blob {missing[0]} of {len(self.all)} is missing")
        return [self.all[i] for i in indices]


def read_values(record: Record, examples: slice = EVERY, channels: slice = EVERY) -> np.ndarray:
    """Stored values `[examples, channels, *spatial]`, float16 or float32.

    Only the pages that hold them are read. `restore` makes the true values of them.

    Args:
      record: anything with a header and blobs; `WholeRecord` of a list of blobs.
      examples, channels: slices of stored positions, step 1.

    Raises:
      RecordError: damage, or the values were not stored.
    """
    pages = page_range(record.header, examples, channels)
    found = record.blobs([Blob.FIRST_PAGE + page for page in pages])
    return decode(record.header, dict(zip(pages, found, strict=True)), examples, channels)
