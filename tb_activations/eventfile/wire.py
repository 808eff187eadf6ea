"""Events in protobuf's wire format, walked without reading the tensors inside them.

    Event          1 wall_time (double)   2 step (int64)   5 summary
    Summary        1 value (repeated)
    Summary.Value  1 tag   8 tensor   9 metadata
    TensorProto    1 dtype   2 tensor_shape   8 string_val (repeated): the blobs of a record

Writers serialize fields in this order, which `head_of_event` relies on to read a record's head in
a few microseconds; whatever is laid out otherwise is walked by `values_of_event`, field by field.
Offsets are absolute, in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tensorboard.compat.proto import summary_pb2

from tb_activations.record.errors import RecordError

Read = Callable[[int, int], bytes]  # (offset, size) → that many bytes, fewer at the end

_DOUBLE = struct.Struct("<d").unpack_from
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_STRING = 7  # DT_STRING
_LONGEST_FIELD_HEAD = 20  # a key and a length, ten bytes each
MAX_BLOBS = 1 << 20


class Value(NamedTuple):
    """A summary value: where it is, and its tensor within (0, 0 where it has none)."""

    tag: bytes
    start: int
    end: int
    tensor: int
    tensor_end: int


class Head(NamedTuple):
    """The head of an event that holds one summary value; offsets are those of the buffer."""

    wall_time: float
    step: int
    tag: bytes
    tensor: int
    tensor_end: int


def head_of_event(buffer: bytes, start: int, length: int) -> Head | None:
    """The head of an event of one value in the usual layout; None where it is laid out otherwise.

    Raises:
      IndexError, struct.error: the buffer ends within the head.
    """
    at, end = start, start + length
    if buffer[at] != 0x09:
        return None
    [wall_time] = _DOUBLE(buffer, at + 1)
    at += 9
    step = 0
    if buffer[at] == 0x10:
        step, at = varint(buffer, at + 1)
        if step >= 1 << 63:
            step -= 1 << 64
    if buffer[at] != 0x2A:
        return None
    size, at = varint(buffer, at + 1)
    if at + size != end or buffer[at] != 0x0A:
        return None
    size, at = varint(buffer, at + 1)
    if at + size != end or buffer[at] != 0x0A:
        return None
    size, at = varint(buffer, at + 1)
    tag = buffer[at : at + size]
    at += size
    if buffer[at] != 0x42:
        return None
    size, at = varint(buffer, at + 1)
    if at + size > end:
        return None
    return Head(wall_time, step, tag, at, at + size)


def head_of_tensor(buffer: bytes, start: int) -> tuple[bytes, int, int] | None:
    """Of a tensor of strings: the first (a record's header), and where the second begins and ends.

    None where it is laid out otherwise. Raises IndexError where the buffer ends before.
    """
    at = start
    if buffer[at] != 0x08 or buffer[at + 1] != _STRING or buffer[at + 2] != 0x12:
        return None
    size, at = varint(buffer, at + 3)
    at += size
    if buffer[at] != 0x42:
        return None
    size, at = varint(buffer, at + 1)
    header = buffer[at : at + size]
    at += size
    if buffer[at] != 0x42:
        return None
    size, at = varint(buffer, at + 1)
    if at + size > len(buffer):
        raise IndexError
    return header, at, at + size


def varint(buffer: bytes, at: int) -> tuple[int, int]:
    """(value, offset behind it). Raises IndexError, or RecordError where it does not end."""
    byte = buffer[at]
    if byte < 128:
        return byte, at + 1
    value, shift = byte & 127, 7
    for place in range(at + 1, at + 10):
        byte = buffer[place]
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (1 << 64) - 1, place + 1
        shift += 7
    raise RecordError("a number in the event does not end")


def values_of_event(read: Read, start: int, length: int) -> tuple[float, int, list[Value]]:
    """(wall_time, step, values) of any event, however it is laid out. Raises RecordError."""
    wall_time, step = 0.0, 0
    values: list[Value] = []
    for number, kind, at, end in fields(read, start, start + length):
        if number == 1 and kind == _FIXED64:
            [wall_time] = _DOUBLE(_exactly(read, at, 8), 0)
        elif number == 2 and kind == _VARINT:
            step, _ = varint(_exactly(read, at, end - at), 0)
            step -= (1 << 64) if step >= 1 << 63 else 0
        elif number == 5 and kind == _BYTES:
            values += [
                _value(read, a, b) for n, k, a, b in fields(read, at, end) if (n, k) == (1, _BYTES)
            ]
    return wall_time, step, values


def metadata_of_value(read: Read, value: Value) -> bytes | None:
    """The serialized SummaryMetadata of a value. Raises RecordError."""
    # It is the last field, so begin behind the tensor, and at the start where that finds none.
    for start in sorted({value.tensor_end or value.start, value.start}, reverse=True):
        for number, kind, at, end in fields(read, start, value.end):
            if (number, kind) == (9, _BYTES):
                return _exactly(read, at, end - at)
    return None


def plugin_of_value(read: Read, value: Value) -> summary_pb2.SummaryMetadata.PluginData | None:
    """Which plugin a value says that it is for, None where it says nothing. Raises RecordError."""
    serialized = metadata_of_value(read, value)
    if serialized is None:
        return None
    try:
        return summary_pb2.SummaryMetadata.FromString(serialized).plugin_data
    except Exception as e:  # protobuf's DecodeError differs between its implementations
        raise RecordError(f"metadata that cannot be parsed: {e}") from e


def blobs_of_tensor(read: Read, start: int, end: int, count: int) -> list[tuple[int, int]]:
    """(offset, end) of the first `count` strings of a tensor. Raises RecordError."""
    spans: list[tuple[int, int]] = []
    for number, kind, at, to in fields(read, start, end):
        if (number, kind) == (1, _VARINT) and _exactly(read, at, 1) != bytes([_STRING]):
            raise RecordError("the record's tensor is not one of strings")
        if (number, kind) == (8, _BYTES):
            spans.append((at, to))
            if len(spans) >= min(count, MAX_BLOBS):
                break
    return spans


def fields(read: Read, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(number, wire type, offset, end) of each field's content. Raises RecordError."""
    at = start
    while at < end:
        head = read(at, min(_LONGEST_FIELD_HEAD, end - at))
        try:
            key, used = varint(head, 0)
            kind, size = key & 7, 0
            if kind == _BYTES:
                size, used = varint(head, used)
            elif kind == _VARINT:
                size = varint(head, used)[1] - used
            elif kind in (_FIXED64, _FIXED32):
                size = 8 if kind == _FIXED64 else 4
            else:
                raise RecordError(f"a field of wire type {kind} in the event")
        except IndexError as e:
            raise RecordError("the event ends within a field") from e
        if at + used + size > end:
            raise RecordError("a field of the event is longer than what holds it")
        yield key >> 3, kind, at + used, at + used + size
        at += used + size


def _value(read: Read, start: int, end: int) -> Value:
    tag, tensor, tensor_end = b"", 0, 0
    for number, kind, at, to in fields(read, start, end):
        if (number, kind) == (1, _BYTES):
            tag = _exactly(read, at, to - at)
        elif (number, kind) == (8, _BYTES):
            tensor, tensor_end = at, to
    return Value(tag, start, end, tensor, tensor_end)


def _exactly(read: Read, at: int, size: int) -> bytes:
    found = read(at, size)
    if len(found) != size:
        raise RecordError("the event ends within a field")
    return found
