"""What a run holds, read from its event files; and TensorFlow kept out of PyTorch's writers."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tb_activations import record
from tb_activations.names import PLUGIN_NAME
from tb_activations.record import Blob
from tb_activations.record.run import RUN_TAG

# TensorBoard, and with it a SummaryWriter, does without TensorFlow then, whose import takes 5 s.
sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))


@dataclass(frozen=True)
class Logged:
    """One record: its values `[n, …, c]` as they are true, and its labels."""

    header: record.Header
    values: np.ndarray
    labels: tuple[str, ...] | None


def logged(directory: Path) -> dict[tuple[str, int], Logged]:
    """`{(tag, step): record}` of the directory itself."""
    return {
        (value.tag, event.step): _record(list(value.tensor.string_val))
        for path in sorted(directory.iterdir())
        if "tfevents" in path.name
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == PLUGIN_NAME and value.tag != RUN_TAG
    }


def steps(directory: Path, tag: str) -> list[int]:
    return sorted(step for name, step in logged(directory) if name == tag)


def _record(blobs: list[bytes]) -> Logged:
    whole = record.WholeRecord(blobs)
    values = record.read_values(whole) * whole.header.scale
    labels = record.parse_labels(blobs[Blob.LABELS], whole.header)
    return Logged(whole.header, values if values.ndim == 2 else np.moveaxis(values, 1, -1), labels)
