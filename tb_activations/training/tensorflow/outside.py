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
from tb_activations.record.options import Options
from tb_activations.record.pages import planes_of
from tb_activations.record.statistics import COLUMNS, ChannelStatistics
from tb_activations.record.storage import hides, largest_of, plain_exponent
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


def statistics_outside(
    values: Tensor, channels_first: bool, examples: Any, precision: str
) -> GraphStatistics:
    """`graph_statistics`, of float32 by NumPy where the values lie in this process's memory, and
    the exponent of the first so many `examples`.

    They are handed over as they lie there, without a copy. NumPy goes through them in parts that
    stay in the cache, where each of the graph's operations reads all of them anew. One layer after
    another, as what has effects is run: two at once would take turns at Python's lock.

    Args:
      precision: what they are to be stored in, settled.
    """
    if values.dtype != tf.float32 or not _in_memory():
        return graph_statistics(values, channels_first)
    channels = values.shape[1 if channels_first else 2]
    found = tf.numpy_function(
        _finder(channels_first, precision),
        [values, examples],
        [tf.float32, tf.float32, tf.int32, tf.bool],
        stateful=True,
    )
    for one, shape in zip(found, ([channels, len(COLUMNS)], [5], [], []), strict=True):
        one.set_shape(shape)
    return GraphStatistics(*found)


def _in_memory() -> bool:
    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())


@functools.cache
def _finder(channels_first: bool, precision: str) -> Callable[..., tuple[np.generic, ...]]:
    """Kept for good: a graph knows its functions by number, and may outlive all who know it."""
    return functools.partial(_statistics, channels_first, precision)


def _statistics(
    channels_first: bool, precision: str, values: np.ndarray, examples: int
) -> tuple[Any, ...]:
    found = ChannelStatistics.of(values, channels_first)
    table = found.table()
    unsigned = bool((table[:, 0] >= 0).all())
    exponent = plain_exponent(largest_of(values[:examples], unsigned))
    plain = exponent is not None and not (
        precision == "auto" and hides(table[:, 0], table[:, 1], exponent)
    )
    return table, found.summary().numbers(), np.int32(exponent or 0), np.bool_(plain)


def blobs_outside(kept: Kept, labels: Tensor, source: str, options: Options) -> Tensor:
    """string `[4 + pages]`, as `record.blobs`, of values that are not turned."""
    nothing = tf.zeros([0, 0, 0], tf.float32)
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
    packer = _packer(source, options.compression, options.channels_first)
    found = tf.numpy_function(packer, arguments, tf.string, stateful=False)
    found.set_shape([None])
    return found


@functools.cache
def _packer(source: str, compression: int, channels_first: bool) -> Callable[..., np.ndarray]:
    """Kept for good: a graph knows its functions by number, and may outlive all who know it."""
    return functools.partial(_pack, source, compression, channels_first)


def _pack(
    source: str,
    compression: int,
    channels_first: bool,
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
    stored = full if wide else half
    planes = stored if channels_first else planes_of(stored)
    header = Header(
        version=VERSION,
        dtype=stored.dtype.name,
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
    flat = planes.reshape(0 if omitted else header.planes, header.plane_size)
    found = packed(header, flat, table, summary, label_blob(list(labels)), compression)
    return np.array(found, object)
