"""The op: a tensor `[n, …, c]` → one record, written to the default summary writer."""

from __future__ import annotations

import sys
import warnings
from numbers import Integral
from typing import Any

import tensorflow as tf

from tb_activations.record.header import MAX_RECORD_BYTES
from tb_activations.record.metadata import check_kind, summary_metadata
from tb_activations.record.options import Options, check_rank, check_size
from tb_activations.record.storage import refused_dtype
from tb_activations.training.tensorflow.outside import (
    blobs_outside,
    leaves,
    statistics_outside,
)
from tb_activations.training.tensorflow.record import blobs, keep
from tb_activations.training.tensorflow.statistics import graph_statistics


def activations(
    name: str,
    data: Any,
    step: Any = None,
    *,
    max_outputs: int = 4,
    max_channels: int | None = None,
    precision: str = "auto",
    compression: int = 1,
    data_format: str = "channels_last",
    kind: str = "activation",
    order: int | None = None,
    labels: Any = None,
    description: str | None = None,
    in_graph: bool = False,
) -> Any:
    """Writes one layer's activations to the default summary writer.

    Works eagerly and inside `tf.function`; nothing is computed on a step at which no summary is
    recorded. Not under `jit_compile=True`, which has no PNG and no summaries.

    Args:
      name: of the layer; the tag is the name within the current name scope.
      data: `[n, c]`, `[n, l, c]`, `[n, h, w, c]` or `[n, d, h, w, c]` (`[n, c, …]` for
        channels_first), of a float, integer or bool dtype. Any value, NaN and infinities included.
      step: int64 scalar; None for `tf.summary.experimental.get_step()`. Inside `tf.function` it
        must be a tensor or a variable: a Python number is frozen there.
      max_outputs: how many examples are kept, the first ones. The statistics are over all.
      max_channels: how many channels are kept, evenly spread; None for all.
      precision: "float16" (11 significant bits over 29 binades below the largest value kept),
        "float32" (exact for sources no wider), or "auto": float16, and float32 where that would
        hide what varies in a channel (1e6 and a little).
      compression: 0 (none, the fastest) to 9 (the smallest).
      data_format: "channels_last" or "channels_first".
      kind: "activation", or "input" for what goes into the model.
      order: the layer's place in the model; tags without one come last, by name.
      labels: strings or numbers, one per example of the batch or per kept example.
      description: Markdown, shown with the tag.
      in_graph: True to have the record packed by TensorFlow's operations alone. Otherwise what
        is kept is handed to Python, which packs it in a third of the time, in eager execution and
        wherever a graph runs in the process that traces it: not where there are workers on other
        machines or TPUs. Told when a graph is traced.

    Returns:
      A bool tensor: whether the record was written.

    Raises:
      TypeError: `data` is complex or of strings.
      ValueError: a wrong rank, option or number of labels; no step; more than 1 GiB to keep,
        where the shape is known. Where it is not, such a record is written without its values
        and one warning is printed.
    """
    options = Options(max_outputs, max_channels, precision, compression, data_format)
    check_kind(kind)
    metadata = summary_metadata(kind, order, description)
    step = _checked_step(step)
    scope = tf.summary.experimental.summary_scope(name, "activations_summary", values=[data])
    with scope as (tag, _):
        data = tf.convert_to_tensor(data)
        source = data.dtype.name
        data = _checked_data(data, options)
        texts = _checked_labels(labels, data, max_outputs)
        return tf.summary.write(
            tag,
            lambda: _make(tag, data, source, texts, options, in_graph),
            step=step,
            metadata=metadata,
        )


def _checked_step(step: Any) -> Any:
    step = tf.summary.experimental.get_step() if step is None else step
    if step is None:
        raise ValueError(
            "no step: pass step= (an integer, a tensor or a variable), or set one with "
            "tf.summary.experimental.set_step()"
        )
    if isinstance(step, Integral) and step < 0:
        raise ValueError(f"step is {step}; it must be 0 or more")
    if not tf.executing_eagerly() and not tf.is_tensor(step) and not hasattr(step, "handle"):
        warnings.warn(
            f"step {step!r} is a Python number inside tf.function, where it is frozen: every "
            "call would write this step. Pass a tensor or a variable.",
            stacklevel=3,
        )
    return step


def _checked_data(data: Any, options: Options) -> Any:
    """`data`, of a dtype and rank that can be logged; asserts the rank where it is unknown."""
    dtype = data.dtype
    if not (dtype.is_floating or dtype.is_integer or dtype.is_bool) or dtype.is_quantized:
        raise refused_dtype(dtype.name)
    if "float8" in dtype.name:
        data = tf.cast(data, tf.float16)  # a condition takes no float8; float16 holds it exactly
    if data.shape.rank is None:
        message = "activations must have rank 2 to 5; the rank was"
        accepted = tf.logical_and(tf.rank(data) >= 2, tf.rank(data) <= 5)
        check = tf.debugging.Assert(accepted, [message, tf.rank(data)])
        with tf.control_dependencies([check] if check is not None else []):
            return tf.identity(data)
    check_rank(data.shape.rank)
    if data.shape.is_fully_defined():
        _check_known_size(data.shape.as_list(), options)
    return data


def _check_known_size(shape: list[int], options: Options) -> None:
    kept = [min(shape[0], options.max_outputs), *shape[1:]]
    axis = 1 if options.channels_first else -1
    if options.max_channels is not None:
        kept[axis] = min(kept[axis], options.max_channels)
    check_size(kept, options.precision)


def _checked_labels(labels: Any, data: Any, max_outputs: int) -> Any:
    """string `[m]`, m at least the number kept; `[0]` for none."""
    if labels is None:
        return tf.zeros([0], tf.string)
    texts = tf.convert_to_tensor(labels)
    if texts.dtype != tf.string:
        texts = tf.strings.as_string(texts)
    texts = tf.reshape(texts, [-1])
    count, batch = texts.shape[0], data.shape[0] if data.shape.rank else None
    if count is not None and batch is not None and count not in (batch, min(batch, max_outputs)):
        raise ValueError(
            f"{count} labels; there must be one per example of the batch ({batch}) "
            f"or per kept example ({min(batch, max_outputs)})"
        )
    return texts


def _make(tag: str, data: Any, source: str, labels: Any, options: Options, in_graph: bool) -> Any:
    """The record's blobs; run by `tf.summary.write` on the CPU, where a record is written."""
    whole = in_graph or not leaves()
    with tf.device(None):  # back to the device of the data, so that it sends over what is kept
        statistics = graph_statistics if whole else statistics_outside
        kept = keep(data, source, options, statistics, turned=whole)
    if tf.is_tensor(kept.omitted):
        _warn_once(kept.omitted, tag)
    if whole:
        return blobs(kept, labels, source, options)
    return blobs_outside(kept, labels, source, options)


def _warn_once(omitted: Any, tag: str) -> None:
    """Prints one warning a tag, from inside a graph."""
    # A variable by its shared name alone: tf.function may not create a tf.Variable when retraced.
    warned = tf.raw_ops.VarHandleOp(
        dtype=tf.bool, shape=[], shared_name=f"tb_activations/omitted/{tag}"
    )

    def warn() -> Any:
        tf.raw_ops.AssignVariableOp(resource=warned, value=tf.constant(True))
        tf.print(
            f"tb_activations: the values of {tag!r} take over {MAX_RECORD_BYTES:,} bytes "
            "and are left out of the log; lower max_outputs or max_channels",
            output_stream=sys.stderr,
        )
        return tf.constant(0)

    fresh = tf.logical_not(tf.raw_ops.VarIsInitializedOp(resource=warned))
    tf.cond(tf.logical_and(omitted, fresh), warn, lambda: tf.constant(0))
