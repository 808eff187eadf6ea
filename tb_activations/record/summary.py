"""One layer's activations as TensorBoard's `Summary`, made with NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorboard.compat.proto import summary_pb2, tensor_pb2, types_pb2

from tb_activations.record.encoder import blobs, keep
from tb_activations.record.metadata import check_kind, summary_metadata
from tb_activations.record.options import Options


def activations_pb(
    name: str,
    data: Any,
    *,
    max_outputs: int = 4,
    max_channels: int | None = None,
    precision: str = "auto",
    compression: int = 1,
    data_format: str = "channels_last",
    kind: str = "activation",
    order: int | None = None,
    labels: Sequence[Any] | None = None,
    description: str | None = None,
) -> summary_pb2.Summary:
    """The `Summary` of one layer's activations, made with NumPy alone.

    It holds what `tba.activations` would write: the same decoded values, bit for bit.

    Args:
      name: the tag.
      data: an array, or anything that `np.asarray` takes; see `tba.activations`.
      max_outputs, max_channels, precision, compression, data_format, kind, order, labels,
        description: see `tba.activations`.

    Raises:
      TypeError: `data` is complex or of strings.
      ValueError: a wrong rank, option or number of labels; more than 1 GiB to keep.
    """
    check_kind(kind)
    metadata = summary_metadata(kind, order, description)
    options = Options(max_outputs, max_channels, precision, compression, data_format)
    return summary_of(name, blobs(keep(data, options), labels, options), metadata)


def summary_of(
    name: str, record: Sequence[bytes], metadata: summary_pb2.SummaryMetadata
) -> summary_pb2.Summary:
    """The `Summary` of one record's blobs, under the tag `name`."""
    summary = summary_pb2.Summary()
    value = summary.value.add(tag=name, metadata=metadata)
    fill_tensor(value.tensor, record)
    return summary


def blobs_tensor(record: Sequence[bytes]) -> tensor_pb2.TensorProto:
    """The rank-1 string tensor of a record's blobs."""
    tensor = tensor_pb2.TensorProto()
    fill_tensor(tensor, record)
    return tensor


def fill_tensor(tensor: tensor_pb2.TensorProto, record: Sequence[bytes]) -> None:
    """Makes an empty tensor the rank-1 string tensor of a record's blobs."""
    tensor.dtype = types_pb2.DT_STRING
    tensor.tensor_shape.dim.add(size=len(record))
    tensor.string_val.extend(record)
