"""Real event files for tests: activations of known values, written without TensorFlow."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto import event_pb2

from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.frame import frame
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import metadata
from tb_activations.record.cost import UpdateCost, with_cost
from tb_activations.record.pages import varint


def layer(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Normal float32 values of `shape`, the same for the same seed."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def event(
    tag: str,
    step: int,
    array: np.ndarray,
    *,
    wall_time: float | None = None,
    kind: str = "activation",
    order: int | None = None,
    description: str | None = None,
    cost: UpdateCost | None = None,
    **options: Any,
) -> bytes:
    """A serialized event with one record; `options` are those of `record.encode`, in float16.

    What a test knows of a layer's values is what float16 keeps of them.
    """
    options = {"precision": "float16", **options}
    blobs = record.encode(array, **options)
    return activation_event(
        tag,
        blobs if cost is None else with_cost(blobs, cost),
        step,
        time.time() if wall_time is None else wall_time,
        metadata.summary_metadata(kind, order, description),
    )


def write_long_run(
    directory: str | os.PathLike[str],
    layers: Mapping[str, np.ndarray],
    steps: int,
    *,
    start: float = 1_700_000_000.0,
    **options: Any,
) -> np.ndarray:
    """The same few records of every layer over and over; returns the wall times, seconds [steps].

    Each layer has eight records: its values rolled by one, two, … along its channels.
    """
    waits = np.random.default_rng(0).exponential(0.05, steps) + 0.05
    times = start + np.cumsum(waits)
    summaries = []
    for order, (tag, values) in enumerate(layers.items()):
        about = metadata.summary_metadata("input" if tag == "input" else "activation", order, None)
        blobs = [record.encode(np.roll(values, shift, -1), **options) for shift in range(8)]
        summaries.append([_without_time(activation_event(tag, b, 0, 0.0, about)) for b in blobs])
    with EventWriter(directory, ".activations") as writer:
        path = writer.path
    with path.open("ab") as file:
        for step, time_of_step in enumerate(times.tolist()):
            when = b"\x09" + struct.pack("<d", time_of_step) + b"\x10" + varint(step)
            file.writelines(frame(when + each[step % 8]) for each in summaries)
    return times


def _without_time(serialized: bytes) -> bytes:
    """An event less its `wall_time` and `step`, which may stand anywhere in it, so before it."""
    event = event_pb2.Event.FromString(serialized)
    return event_pb2.Event(summary=event.summary).SerializeToString()


def write_run(
    directory: str | os.PathLike[str],
    layers: Mapping[str, Mapping[int, np.ndarray]],
    *,
    suffix: str = ".activations",
    **options: Any,
) -> Path:
    """One event file with every step of every layer, by step; returns its path."""
    steps = sorted({step for arrays in layers.values() for step in arrays})
    with EventWriter(directory, suffix) as writer:
        for step in steps:
            for order, (tag, arrays) in enumerate(layers.items()):
                if step in arrays:
                    writer.write(event(tag, step, arrays[step], order=order, **options))
    return writer.path


def logged_steps(log_dir: str | os.PathLike[str]) -> dict[str, list[int]]:
    """`{tag: [steps]}` of all event files in a directory, in order."""
    found: dict[str, list[int]] = {}
    for path in sorted(Path(log_dir).glob("*tfevents*")):
        for one in EventFileLoader(str(path)).Load():
            for value in one.summary.value:
                found.setdefault(value.tag, []).append(one.step)
    return found


def logged_values(log_dir: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """`{tag: values [n, …, c]}` of the last record of each tag in a directory."""
    found: dict[str, tuple[int, record.WholeRecord]] = {}
    for path in sorted(Path(log_dir).glob("*tfevents*")):
        for one in EventFileLoader(str(path)).Load():
            for value in one.summary.value:
                if value.tensor.string_val and one.step >= found.get(value.tag, (0, None))[0]:
                    whole = record.WholeRecord(list(value.tensor.string_val))
                    found[value.tag] = one.step, whole
    return {tag: _true_values(whole) for tag, (_, whole) in found.items()}


def _true_values(whole: record.WholeRecord) -> np.ndarray:
    values = record.restore(record.read_values(whole), whole.header.exponent)
    return np.moveaxis(values, 1, -1)
