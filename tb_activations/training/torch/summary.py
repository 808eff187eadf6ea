"""The op's twin for PyTorch: a tensor `[n, c]`, `[n, c, h, w]`, … → a `SummaryWriter`'s record.

The record goes through the writer's own event file, in the order of its scalars. TensorBoard's
Python loader, which serves wherever there is no Rust one (Windows, macOS on Arm), may read the
files of a run one after the other and never look back: a second file beside the writer's would end
its scalars on the page (the plugin asks for better, see `loader.py`; another TensorBoard does not).
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tensorboard.compat.proto import summary_pb2

from tb_activations.record.encoder import Kept, blobs, keep
from tb_activations.record.metadata import check_kind, summary_metadata
from tb_activations.record.options import Options, check_rank, check_size
from tb_activations.record.storage import refused_dtype
from tb_activations.record.summary import summary_of
from tb_activations.training.plan import layer_plan
from tb_activations.training.torch.private import file_writer

_PICTURES = (4, 5)  # ranks that PyTorch's own layers lay out channels first
_NOT_WRITING = "_DummyExperiment"  # Lightning's, in the processes that leave writing to another


def add_activations(
    writer: Any,
    name: str,
    tensor: Any,
    step: Any,
    *,
    max_outputs: int = 4,
    max_channels: int | None = None,
    precision: str = "auto",
    compression: int = 1,
    data_format: str | None = None,
    kind: str = "activation",
    order: int | None = None,
    labels: Any = None,
    description: str | None = None,
    walltime: float | None = None,
) -> None:
    """Writes one layer's activations to a `SummaryWriter`, beside its scalars.

    What `writer.add_image` is for a picture. The gradient is not followed, and nothing that
    `tensor` is part of is changed.

    Args:
      writer: a `SummaryWriter` of `torch.utils.tensorboard` or of tensorboardX.
      name: of the layer; the tag.
      tensor: `[n, c]`, `[n, l, c]`, `[n, c, h, w]` or `[n, c, d, h, w]` of real numbers, of any
        dtype and on any device; bfloat16, float8 and quantised ones too. Anything that
        `np.asarray` takes as well. Any value, NaN and infinities included.
      step: the step, 0 or more: an integer, or a tensor of one.
      max_outputs: how many examples are kept, the first ones. The statistics are over all.
      max_channels: how many channels are kept, evenly spread; None for all.
      precision: "float16" (11 significant bits over 29 binades below the largest value kept),
        "float32" (exact for sources no wider), or "auto": float16, and float32 where that would
        hide what varies in a channel (1e6 and a little).
      compression: 0 (none, the fastest) to 9 (the smallest).
      data_format: "channels_first" (attention scores `[n, heads, q, k]` too) or "channels_last";
        None for channels first in tensors of rank 4 and 5, and last in others.
      kind: "activation", or "input" for what goes into the model.
      order: the layer's place in the model; tags without one come last, by name.
      labels: strings or numbers, one per example of the batch or per kept example.
      description: Markdown, shown with the tag.
      walltime: seconds since 1970, of the record; None for now.

    Raises:
      TypeError: `writer` is no SummaryWriter, `step` no integer; `tensor` is complex, spread over
        processes or without values.
      ValueError: a wrong rank, step, option or number of labels; more than 1 GiB to keep.
    """
    check_kind(kind)
    if type(writer).__name__ == _NOT_WRITING:
        return
    file_writer, summary_class = _file_writer(writer)
    step = _checked_step(step)
    metadata = summary_metadata(kind, order, description)
    rank = tensor.dim() if _is_tensor(tensor) else np.ndim(tensor)
    check_rank(rank)
    if data_format is None:
        data_format = "channels_first" if rank in _PICTURES else "channels_last"
    options = Options(max_outputs, max_channels, precision, compression, data_format)
    record = blobs(_kept(tensor, options), _texts(labels), options)
    summary = summary_of(name, record, metadata)
    if summary_class is not summary_pb2.Summary:
        summary = summary_class.FromString(summary.SerializeToString())
    file_writer.add_summary(summary, step, walltime)


def _file_writer(writer: Any) -> tuple[Any, Any]:
    """The writer's own event file, opened again where it was closed, and its class of `Summary`."""
    classes = {base.__module__.partition(".")[0] for base in type(writer).__mro__}
    if not classes & {"torch", "tensorboardX"} or (opened := file_writer(writer)) is None:
        raise TypeError(
            f"writer is a {type(writer).__name__}; it must be a SummaryWriter of "
            "torch.utils.tensorboard or of tensorboardX. For a directory there is tba.EventWriter, "
            "for a whole model tba.ActivationsLogger, for tf.summary's writers tba.activations"
        )
    if "tensorboardX" not in classes:
        return opened, summary_pb2.Summary
    from tensorboardX.proto.summary_pb2 import Summary

    return opened, Summary


def _checked_step(step: Any) -> int:
    try:
        whole = operator.index(step)
    except TypeError:
        raise TypeError(f"step is {step!r}; it must be an integer, or a tensor of one") from None
    if whole < 0:
        raise ValueError(f"step is {whole}; it must be 0 or more")
    return whole


def _kept(tensor: Any, options: Options) -> Kept:
    """What is kept of a tensor, its dtype named as PyTorch names it."""
    if not _is_tensor(tensor):
        return keep(tensor, options)
    from tb_activations.training.torch.tensors import dtype_name, viewed

    source = dtype_name(tensor.dtype)
    if tensor.is_meta:
        raise TypeError("tensor is on the meta device, where it has a shape and no values")
    if hasattr(tensor, "full_tensor"):
        raise TypeError(
            "tensor is a DTensor, spread over processes: pass tensor.full_tensor(), which each of "
            "them has to call"
        )
    if tensor.is_complex():
        raise refused_dtype(source)
    kept = _kept_there(tensor, options) or keep(viewed(tensor), options)
    return replace(kept, source=source)


def _kept_there(tensor: Any, options: Options) -> Kept | None:
    """What is kept of a tensor on an accelerator, so that nothing else of it is fetched."""
    from tb_activations.training.torch.gathered import on_accelerator, summed_alone

    if not on_accelerator(tensor):
        return None
    layer = layer_plan("", 0, tensor.shape, options.channels_first, options.max_channels)
    examples = min(options.max_outputs, len(tensor))
    check_size((examples, *layer.shape[:-1], layer.kept_channels), options.precision)
    values, statistics = summed_alone(tensor, layer, examples)
    return Kept(values, statistics, len(tensor), layer.channels, layer.channel_ids)


def _is_tensor(tensor: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(tensor, torch.Tensor)


def _texts(labels: Any) -> Sequence[Any] | None:
    return labels.tolist() if hasattr(labels, "tolist") else labels
