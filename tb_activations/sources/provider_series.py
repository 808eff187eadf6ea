"""The steps of one tag that TensorBoard's data provider kept, as a `Series`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tensorboard.data import provider as tb_provider

from tb_activations.record.errors import RecordError
from tb_activations.record.header import Header
from tb_activations.record.statistics import LayerSummary
from tb_activations.sources.series import SUMMARY, TENSORBOARD, summary_row


@dataclass(frozen=True)
class Known:
    """What has been read of a record; header is None where it is damaged."""

    header: Header | None
    summary: LayerSummary | None
    labels: tuple[str, ...] | None


@dataclass(frozen=True)
class ProviderRecord:
    header: Header
    references: Sequence[tb_provider.BlobReference]
    fetch: Callable[[Sequence[str]], list[bytes]]

    def blobs(self, indices: Sequence[int]) -> list[bytes]:
        if indices and max(indices) >= len(self.references):
            raise RecordError(f"blob {max(indices)} of {len(self.references)} is missing")
        return self.fetch([self.references[i].blob_key for i in indices])


@dataclass(frozen=True)
class ProviderSeries:
    """The steps that the provider kept, as far as their headers could be read in time."""

    complete: bool
    sampled: bool
    data: Sequence[tb_provider.BlobSequenceDatum]
    known: Sequence[Known]
    fetch: Callable[[Sequence[str]], list[bytes]]
    source: str = TENSORBOARD

    @property
    def steps(self) -> np.ndarray:
        return np.array([datum.step for datum in self.data], np.int64)

    @property
    def wall_times(self) -> np.ndarray:
        return np.array([datum.wall_time for datum in self.data], np.float64)

    def summaries(self) -> np.ndarray:
        rows = [summary_row(k.summary) for k in self.known if k.summary]
        return np.array(rows, SUMMARY)

    def header(self, position: int) -> Header:
        header = self.known[position].header
        assert header is not None
        return header

    def alike(self) -> np.ndarray:
        numbers: dict[Header | None, int] = {}
        of_each = [numbers.setdefault(known.header, len(numbers)) for known in self.known]
        return np.array(of_each, np.int64)

    def labels(self, position: int) -> tuple[str, ...] | None:
        return self.known[position].labels

    def record(self, position: int) -> ProviderRecord:
        return ProviderRecord(self.header(position), self.data[position].values, self.fetch)
