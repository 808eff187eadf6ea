"""Small modules that the tests of PyTorch watch, and what they find in the log."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from logs import logged_steps
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from torch import nn

from tb_activations import record
from tb_activations.record.decoder import Blob
from tb_activations.record.run import RUN_TAG, RunFacts, read_facts
from tb_activations.record.values import WholeRecord

torch.set_num_threads(1)  # small tensors, and others work beside


class Net(nn.Module):
    """Any forward over any parts: `Net(lambda s, x: s.a(x), a=nn.Linear(4, 4))`."""

    def __init__(self, run: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.run = run
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *args: Any) -> Any:
        return self.run(self, *args)


class Block(nn.Module):
    """In-place ReLU, in-place addition, and a functional ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv2(self.relu(self.bn(self.conv1(x))))
        y += x
        return F.relu(y)


class Residual(nn.Module):
    """Convolutions `[n, c, h, w]`, an encoder `[n, l, c]`, a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.layer = nn.Sequential(Block(8), Block(8))
        self.drop = nn.Dropout(0.3)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer(self.stem(x))
        x = self.encoder(x.flatten(2).transpose(1, 2))
        return self.fc(self.drop(x.mean(1)))


def images(count: int = 4, side: int = 8) -> torch.Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(7))


class Found(NamedTuple):
    """One record: true values `[n, …, c]`, a table `[c, 6]`, and labels or None."""

    header: Any
    values: np.ndarray
    table: np.ndarray
    labels: Any


def records(log_dir: str | os.PathLike[str]) -> dict[tuple[str, int], Found]:
    """{(tag, step): what it holds} of every record but those of kind "run"."""
    found = {}
    for path in sorted(Path(log_dir).glob("*.activations")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag != RUN_TAG:
                    found[value.tag, event.step] = _read(list(value.tensor.string_val))
    return found


def facts(log_dir: str | os.PathLike[str]) -> RunFacts:
    """What the run's own record says, the last one of them."""
    found = None
    for path in sorted(Path(log_dir).glob("*.activations")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag == RUN_TAG:
                    found = read_facts(WholeRecord(list(value.tensor.string_val)))
    assert found is not None, f"{log_dir} holds no record of the run"
    return found


def _read(blobs: list[bytes]) -> Found:
    whole = WholeRecord(blobs)
    header, stored = whole.header, record.read_values(whole)
    values = np.moveaxis(record.restore(stored, header.exponent), 1, -1)
    table = record.parse_statistics(blobs[Blob.STATISTICS], header)
    return Found(header, values, table, record.parse_labels(blobs[Blob.LABELS], header))


def steps(log_dir: str | os.PathLike[str], tag: str) -> list[int]:
    return logged_steps(log_dir).get(tag, [])
