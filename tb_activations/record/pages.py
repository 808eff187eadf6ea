"""Planes of stored values ↔ pages.

A plane is one channel of one example (`[…spatial]`), or the whole example of a dense layer; planes
stand in example-major order. A `png` page is an 8-bit grey PNG: first the least significant byte of
every value of the page, then the next of every value, all in one row, which spares an encoder the
filters that compare rows; see `png`. A row longer than 2^19 bytes is folded into the fewest rows
that are not, all of one width, the last padded with zeros. A `tensor` page is a serialized
TensorProto of `[planes, values of a plane]`.
"""

from __future__ import annotations

import math

import numpy as np
from tensorboard.compat.proto import tensor_pb2, tensor_shape_pb2, types_pb2

from tb_activations.record import png
from tb_activations.record.deflate import at_once
from tb_activations.record.errors import RecordError
from tb_activations.record.packing import PART, PLAIN, Packing, packing_for

CODECS = ("png", "tensor")
PAGE_VALUES = 1 << 17
FOLD = 1 << 19  # libpng refuses a side of a million
MIN_PNG_VALUES = 4096
MIN_PNG_STATISTICS = 1024

_TURNED_BYTES = 1 << 14  # of an example, which stay in the first cache
_CONTENT = b"\x22"  # the field `tensor_content` of a TensorProto, bytes of a length
_TYPES = {"float16": types_pb2.DT_HALF, "float32": types_pb2.DT_FLOAT}


def codec_for(values: int, compression: int, least: int = MIN_PNG_VALUES) -> str:
    """`tensor` below `least` values, where a PNG's frame outweighs them, or compression is 0."""
    return "png" if compression and values >= least else "tensor"


def page_table(planes: int, plane_size: int, codec: str) -> tuple[int, ...]:
    """The number of planes on each page, evenly spread; `tensor` has one page of all."""
    if not planes or not plane_size:
        return ()
    count = 1 if codec == "tensor" else math.ceil(planes / max(1, PAGE_VALUES // plane_size))
    least, more = divmod(planes, count)
    return (least + 1,) * more + (least,) * (count - more)


def fold_of(size: int) -> tuple[int, int]:
    """(rows, width) into which the `size` bytes of a page are folded."""
    rows = max(1, math.ceil(size / FOLD))
    return rows, math.ceil(size / rows)


def planes_of(values: np.ndarray) -> np.ndarray:
    """Stored values `[n, *spatial, c]` as planes `[n · c, size]`; those of a dense layer, `[n, c]`,
    are as they are. In parts that stay cached: turned as a whole they would take twice the time."""
    if values.ndim == 2:
        return values
    n, channels, size = len(values), values.shape[-1], math.prod(values.shape[1:-1])
    view = np.moveaxis(values, -1, 1).reshape(n, channels, size)
    if view.flags.c_contiguous:
        return view.reshape(n * channels, size)
    planes = np.empty(view.shape, values.dtype)
    step = max(16, _TURNED_BYTES // (channels * values.itemsize))
    for start in range(0, size, step):
        part = slice(start, start + step)
        np.copyto(planes[:, :, part], view[:, :, part])
    return planes.reshape(n * channels, size)


def encode_pages(planes: np.ndarray, codec: str, compression: int) -> list[bytes]:
    """Stored values `[planes, plane_size]` as pages."""
    table = page_table(len(planes), planes.shape[1], codec)
    ends = np.cumsum(table)
    chunks = [planes[end - count : end] for count, end in zip(table, ends, strict=True)]
    if codec == "tensor":
        return [encode_tensor(chunk) for chunk in chunks]
    packing = packing_for(planes, compression)
    return at_once(lambda chunk: encode_png(chunk, compression, packing), chunks)


def encode_png(planes: np.ndarray, compression: int, packing: Packing = PLAIN) -> bytes:
    """One `png` page of stored values `[planes, plane_size]`."""
    words = np.ascontiguousarray(planes).reshape(-1).view(_words(planes.dtype))
    height, width = fold_of(words.nbytes)
    rows = np.zeros((height, 1 + width), np.uint8)  # 0 before each row: its filter, none
    split = rows[0, 1:] if height == 1 else np.zeros(height * width, np.uint8)
    by_byte = split[: words.nbytes].reshape(words.itemsize, words.size)
    by_byte[0] = words  # as uint8: the lowest byte
    for i in range(1, words.itemsize):
        np.right_shift(words, 8 * i, out=by_byte[i], casting="unsafe")
    if height > 1:
        rows[:, 1:] = split.reshape(height, width)
    if height > 1 or words.size < PART:
        return png.write(rows, compression)
    return png.write(rows, compression, *packing.parts(words.itemsize, words.size))


def decode_page(page: bytes, codec: str, dtype: str, planes: int, plane_size: int) -> np.ndarray:
    """The stored values `[planes, plane_size]` of one page, read-only.

    The page must be of exactly this size: it is checked before anything is inflated.

    Raises:
      RecordError: the page does not hold what the header says.
    """
    if codec == "tensor":
        return decode_tensor(page, dtype, (planes, plane_size))
    return _decode_png(page, np.dtype(dtype), planes, plane_size)


def encode_tensor(values: np.ndarray) -> bytes:
    """A serialized TensorProto of float16 or float32 values, which are copied once."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    front = tensor_pb2.TensorProto(
        dtype=_TYPES[values.dtype.name], tensor_shape=shape_proto(values.shape)
    ).SerializeToString()
    if not little.size:
        return front
    content = little.reshape(-1).view(np.uint8).data
    return b"".join([front, _CONTENT, varint(little.nbytes), content])


def varint(number: int) -> bytes:
    """Protobuf's: seven bits a byte, the lowest first, the highest bit set but for the last."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def shape_proto(shape: tuple[int, ...]) -> tensor_shape_pb2.TensorShapeProto:
    """The TensorShapeProto of `shape`."""
    proto = tensor_shape_pb2.TensorShapeProto()
    for side in shape:
        proto.dim.add(size=side)
    return proto


def parse_tensor(blob: bytes) -> tensor_pb2.TensorProto:
    """The TensorProto in `blob`, or a RecordError."""
    try:
        return tensor_pb2.TensorProto.FromString(blob)
    except Exception as e:  # protobuf's DecodeError differs between its implementations
        raise RecordError(f"not a serialized tensor: {e}") from e


def decode_tensor(blob: bytes, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """The values of a serialized TensorProto that must have this dtype and number of values.

    Raises:
      RecordError: it has not.
    """
    proto = parse_tensor(blob)
    wanted = math.prod(shape) * np.dtype(dtype).itemsize
    if proto.dtype != _TYPES[dtype] or len(proto.tensor_content) != wanted:
        raise RecordError(
            f"a tensor of {len(proto.tensor_content)} bytes and type {proto.dtype} where the "
            f"header says {wanted} bytes of {dtype}"
        )
    little = np.dtype(dtype).newbyteorder("<")
    return np.frombuffer(proto.tensor_content, little).reshape(shape)


def _decode_png(page: bytes, dtype: np.dtype, planes: int, plane_size: int) -> np.ndarray:
    size = planes * plane_size
    rows = png.read(page, *fold_of(size * dtype.itemsize))
    split = rows.reshape(-1)[: size * dtype.itemsize].reshape(dtype.itemsize, size)
    words = split[-1].astype(_words(dtype))
    for byte in split[-2::-1]:
        words <<= 8
        words |= byte
    values = words.view(dtype).reshape(planes, plane_size)
    values.flags.writeable = False
    return values


def _words(dtype: np.dtype) -> np.dtype:
    """The unsigned integers of the machine that hold the bits of `dtype`."""
    return np.dtype(f"u{dtype.itemsize}")
