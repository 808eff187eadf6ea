"""One record as the serialized `Event` that an event file frames."""

from __future__ import annotations

from collections.abc import Sequence

from tensorboard.compat.proto import event_pb2, summary_pb2

from tb_activations.record.summary import fill_tensor


def activation_event(
    tag: str,
    blobs: Sequence[bytes],
    step: int,
    wall_time: float,
    metadata: summary_pb2.SummaryMetadata,
) -> bytes:
    """A serialized `Event` of one record; wall_time in seconds since 1970."""
    event = event_pb2.Event(wall_time=wall_time, step=step)
    # In its place: a message that is put into another one is copied, with all that it holds.
    value = event.summary.value.add(tag=tag, metadata=metadata)
    fill_tensor(value.tensor, blobs)
    return event.SerializeToString()
