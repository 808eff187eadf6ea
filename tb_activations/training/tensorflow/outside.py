"""The blobs of a record made outside the graph that computes it, where that runs in this process.

What is kept leaves the graph once, through `tf.numpy_function`, and `record.encoder` packs it: a
third of the CPU of a graph's `encode_png`. So do the statistics, where the layer lies in memory.
Such a graph runs in no other process, and need not: it holds its summary writer, with which
TensorFlow saves no graph. What a model logs is traced anew when it is exported, without a writer,
and then records nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tb_activations.record.encoder import label_blob, packed
from tb_activations.record.header import Header
from tb_activations.record.metadata import VERSION
from tb_activations.record.statistics import COLUMNS, ChannelStatistics
from tb_activations.training.tensorflow.record import Kept
from tb_activations.training.tensorflow.statistics import GraphStatistics, graph_statistics

Tensor = Any


def leaves() -> bool:
    """Whether what is traced or run now can call Python: not on another machine, nor on a TPU.

    Graphs of TensorFlow 1's sessions stay whole, too.
    """
    if not tf.compat.v1.executing_eagerly_outside_functions():
        return False
    devices = tf.config.list_logical_devices()
    return all(device.device_type != "TPU" and _local(device.name) for device in devices)


def _local(name: str) -> bool:
    return not name.startswith("/job:") or name.startswith("/job:localhost/")


def statistics_outside(values: Tensor, channels_first: bool) -> GraphStatistics:
    """`graph_statistics`, of float32 by NumPy where the values lie in this process's memory.

    They are handed over as they lie there, without a copy. NumPy goes through them in parts that
    stay in the cache, where each of the graph's operations reads all of them anew. One layer after
    another, as what has effects is run: two at once would take turns at Python's lock.
    """
    if values.dtype != tf.float32 or not _in_memory():
        return graph_statistics(values, channels_first)
    channels = values.shape[1 if channels_first else 2]
    table, summary = tf.numpy_function(
        _STATISTICS[channels_first], [values], [tf.float32, tf.float32], stateful=True
    )
    table.set_shape([channels, len(COLUMNS)])
    summary.set_shape([5])
    return GraphStatistics(table, summary)


def _in_memory() -> bool:
    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())


def _statistics(channels_first: bool, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = ChannelStatistics.of(values, channels_first)
    return found.table(), found.summary().numbers()


# For good: a graph knows its functions by number, and may outlive all who know it.
_STATISTICS = {first: functools.partial(_statistics, first) for first in (False, True)}


def blobs_outside(kept: Kept, labels: Tensor, source: str, compression: int) -> Tensor:
    """string `[4 + pages]`, as `record.blobs`."""
    nothing = tf.zeros([0, 0], tf.float32)
    arguments = [
        nothing if kept.half is None else kept.half,
        nothing if kept.full is None else kept.full,
        kept.wide,
        kept.exponent,
        kept.statistics.table,
        kept.statistics.summary,
        kept.shape,
        kept.batch,
        kept.channels,
        tf.zeros([0], tf.int64) if kept.ids is None else kept.ids,
        labels[: kept.n],
        kept.omitted,
    ]
    found = tf.numpy_function(_packer(source, compression), arguments, tf.string, stateful=False)
    found.set_shape([None])
    return found


@functools.cache
def _packer(source: str, compression: int) -> Callable[..., np.ndarray]:
    """Kept for good: a graph knows its functions by number, and may outlive all who know it."""
    return functools.partial(_pack, source, compression)


def _pack(
    source: str,
    compression: int,
    half: np.ndarray,
    full: np.ndarray,
    wide: np.ndarray,
    exponent: np.ndarray,
    table: np.ndarray,
    summary: np.ndarray,
    shape: np.ndarray,
    batch: np.ndarray,
    channels: np.ndarray,
    ids: np.ndarray,
    labels: np.ndarray,
    omitted: np.ndarray,
) -> np.ndarray:
    """What `Kept` holds, as a vector of blobs."""
    planes = full if wide else half
    header = Header(
        version=VERSION,
        dtype=planes.dtype.name,
        source=source,
        exponent=int(exponent),
        codec="tensor",
        shape=tuple(shape.tolist()),
        batch=int(batch),
        channels=int(channels),
        examples=tuple(range(int(shape[0]))),
        channel_ids=tuple(ids.tolist()) if 0 < len(ids) < channels else None,
        pages=(),
        omitted="size" if omitted else None,
    )
    found = packed(header, planes, table, summary, label_blob(list(labels)), compression)
    return np.array(found, object)
