"""The record: array ↔ blobs, its guarantees and its refusals."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from tb_activations import record
from tb_activations.record import Blob, png

EVERY = slice(None)
FORMAT = Path(__file__).parents[2] / "docs" / "format.md"
needs_docs = pytest.mark.skipif(not FORMAT.exists(), reason="the docs are not part of the wheel")


def decoded(blobs: list[bytes], examples: slice = EVERY, channels: slice = EVERY) -> np.ndarray:
    """The true values of a record, float64 `[examples, channels, *spatial]`."""
    whole = record.WholeRecord(blobs)
    return record.restore(record.read_values(whole, examples, channels), whole.header.exponent)


def as_served(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, -1, 1) if array.ndim > 2 else array


def assert_within_the_promise(served: np.ndarray, array: np.ndarray) -> None:
    """What float16 storage promises of every value, relative to the largest."""
    source = as_served(array).astype(np.float64)
    np.testing.assert_array_equal(np.isnan(served), np.isnan(source))
    infinite = np.isinf(source)
    np.testing.assert_array_equal(served[infinite], source[infinite])
    finite = np.isfinite(source)
    largest = np.abs(source[finite]).max(initial=0)
    error = np.abs(served[finite] - source[finite])
    near = np.abs(source[finite]) >= largest * 2.0**-29
    # Rounding twice, through float32, may add 2**-24 to the half ulp.
    assert (error[near] <= np.abs(source[finite][near]) * 2.0**-11 * (1 + 2.0**-11)).all()
    assert (error[~near] <= largest * 2.0**-40 * (1 + 2.0**-11)).all()


@settings(max_examples=200, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from(
            [np.float16, np.float32, np.float64, np.int8, np.int32, np.uint64, np.bool_]
        ),
        hnp.array_shapes(min_dims=2, max_dims=5, min_side=0, max_side=5),
        elements=None,
    )
)
def test_float16_keeps_its_promise_for_any_array(array: np.ndarray) -> None:
    """Within 29 binades 2⁻¹¹ relative, below that 2⁻⁴⁰ of the maximum, NaN and ±inf in place."""
    if array.dtype == np.float64:  # the last 2**-12 below float64's end round beyond it
        array = np.where(np.abs(array) > 1e300, np.copysign(1e300, array), array)
    served = decoded(record.encode(array, max_outputs=10))
    tiny = np.finfo(np.float64 if array.dtype.itemsize > 4 else np.float32).tiny
    flushed = array
    if array.dtype.kind == "f":
        flushed = np.where(np.abs(array) < tiny, 0, array) if array.dtype != np.float16 else array
    assert_within_the_promise(served, flushed)


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.uint32, hnp.array_shapes(min_dims=2, max_dims=5, max_side=5)))
def test_float32_keeps_every_bit(bits: np.ndarray) -> None:
    """Any 32 bits come back as they were, NaN payloads and subnormals included."""
    blobs = record.encode(bits.view(np.float32), max_outputs=10, precision="float32")
    stored = record.read_values(record.WholeRecord(blobs))
    np.testing.assert_array_equal(np.ascontiguousarray(stored).view(np.uint32), as_served(bits))


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize(
    ("shape", "compression"),
    [
        ((4, 28, 28, 64), 1),  # several pages
        ((2, 5000), 1),  # a dense layer
        ((1, 601, 601, 1), 1),  # one plane longer than a row may be
        ((2, 100, 70), 9),
        ((2, 5, 20, 30, 3), 1),
        ((4, 28, 28, 64), 0),
    ],
)
def test_pages_of_every_shape_come_back(
    shape: tuple[int, ...], compression: int, precision: str
) -> None:
    """Ranks 2 to 5, folded rows, many pages: what float16 holds exactly comes back exactly."""
    array = np.random.default_rng(1).integers(-1000, 1000, shape).astype(np.float32)
    blobs = record.encode(array, precision=precision, compression=compression)
    header = record.parse_header(blobs[Blob.HEADER])
    assert header.codec == ("png" if compression else "tensor")
    assert len(blobs) == Blob.FIRST_PAGE + len(header.pages)
    np.testing.assert_array_equal(decoded(blobs), as_served(array))


def test_a_part_needs_only_its_pages() -> None:
    """One example and a few channels come from the pages that hold them, and from no other."""
    array = np.arange(4 * 60 * 60 * 100, dtype=np.float32).reshape(4, 60, 60, 100) % 2048
    blobs = record.encode(array)
    header = record.parse_header(blobs[Blob.HEADER])
    examples, channels = slice(2, 3), slice(40, 50)
    wanted = record.page_range(header, examples, channels)
    assert 0 < len(wanted) < len(header.pages) / 4
    part = decoded(blobs, examples, channels)
    np.testing.assert_array_equal(part, as_served(array)[2:3, 40:50])
    missing = {i: b"" for i in range(0)}
    with pytest.raises(record.RecordError, match=r"page \d+ of \d+ is missing"):
        record.decode(header, missing, examples, channels)


def test_a_png_holds_the_low_bytes_of_all_values_then_the_high_bytes() -> None:
    """In one row; as many rows as keep each within 2^19 bytes where there are more."""
    array = np.random.default_rng(2).normal(size=(2, 40, 40, 3)).astype(np.float32)
    blobs = record.encode(array)
    stored = record.read_values(record.WholeRecord(blobs))
    rows = np.asarray(Image.open(io.BytesIO(blobs[Blob.FIRST_PAGE])))
    assert rows.shape == (1, 12 * 1600)
    bits = stored.reshape(-1).view(np.uint16)
    np.testing.assert_array_equal(rows[0, : 6 * 1600], bits & 0xFF)
    np.testing.assert_array_equal(rows[0, 6 * 1600 :], bits >> 8)
    large = Image.open(io.BytesIO(record.encode(np.ones((1, 600, 601, 1), np.float32))[4]))
    assert large.size == (600 * 601, 2)


def test_the_exponent_uses_the_whole_of_float16() -> None:
    """The largest magnitude lands in [2¹⁴, 65520), whatever it was."""
    for largest in (1.2e-38, 3.4e38, 1e300, 65519.9, 65520.0, 2.0**-126, 1.0, 2.3e-308):
        array = np.array([[largest, -largest / 2, np.nan]])
        array = array if not 1e-38 < largest < 3.5e38 else array.astype(np.float32)
        blobs = record.encode(array)
        stored = record.read_values(record.WholeRecord(blobs))
        assert 2**14 <= float(stored[0, 0]) < 65520
        np.testing.assert_allclose(decoded(blobs)[0, 0], float(array[0, 0]), rtol=2**-10.9)


def test_every_nan_is_stored_as_one() -> None:
    """NaNs of any sign and payload become 0x7e00, so that they compress."""
    bits = np.array([[0x7FC00001, 0xFFC00000, 0x7F800001]], np.uint32)
    blobs = record.encode(bits.view(np.float32))
    stored = record.read_values(record.WholeRecord(blobs))
    assert stored.view(np.uint16).tolist() == [[0x7E00] * 3]


@pytest.mark.parametrize(("channels", "k"), [(10, 3), (64, 7), (5, 1), (8, 8), (8, 9), (6, 4)])
def test_kept_channels_are_evenly_spread_and_named_by_id(channels: int, k: int) -> None:
    """The k kept channels stand at round(i·(C−1)/(k−1)); all of them have no list."""
    array = np.broadcast_to(np.arange(channels, dtype=np.float32), (2, 3, 3, channels))
    blobs = record.encode(array, max_channels=k)
    header = record.parse_header(blobs[Blob.HEADER])
    if k >= channels:
        assert header.channel_ids is None
        return
    expected = [0] if k == 1 else [round(i * (channels - 1) / (k - 1)) for i in range(k)]
    assert header.channel_ids == tuple(expected)
    np.testing.assert_array_equal(decoded(blobs)[0, :, 0, 0], expected)
    assert record.parse_statistics(blobs[Blob.STATISTICS], header).shape == (channels, 6)


@pytest.mark.parametrize(("channels", "codec"), [(170, "tensor"), (171, "png"), (70_000, "png")])
def test_statistics_of_wide_layers_are_compressed(channels: int, codec: str) -> None:
    """To the bit what is computed, NaN and infinities among it; for fewer bytes."""
    array = np.maximum(np.random.default_rng(0).normal(size=(3, channels)), 0).astype(np.float32)
    array[:, 5] = np.nan
    blobs = record.encode(array)
    header = record.parse_header(blobs[Blob.HEADER])
    assert header.statistics == codec
    expected = record.ChannelStatistics.of(array).table()
    assert record.parse_statistics(blobs[Blob.STATISTICS], header).tobytes() == expected.tobytes()
    assert (len(blobs[Blob.STATISTICS]) < 0.9 * expected.nbytes) == (codec == "png")
    plain = record.encode(array, compression=0)
    unpacked = record.parse_header(plain[Blob.HEADER])
    assert unpacked.statistics == "tensor"
    assert record.parse_statistics(plain[Blob.STATISTICS], unpacked).tobytes() == expected.tobytes()


def test_a_header_that_names_no_codec_of_statistics_means_tensor() -> None:
    blobs = record.encode(np.ones((2, 3), np.float32))
    fields = json.loads(blobs[Blob.HEADER])
    del fields["statistics"]
    header = record.parse_header(json.dumps(fields).encode())
    assert record.parse_statistics(blobs[Blob.STATISTICS], header).shape == (3, 6)
    with pytest.raises(record.RecordError, match="statistics is 'zip'"):
        record.parse_header(tampered(blobs[Blob.HEADER], statistics="zip"))


def test_compressed_statistics_of_another_size_are_refused_before_they_are_inflated() -> None:
    blobs = record.encode(np.ones((2, 700), np.float32))
    wider = record.parse_header(
        tampered(blobs[Blob.HEADER], channels=701, channel_ids=list(range(700)))
    )
    with pytest.raises(record.RecordError, match=r"16800×1.*16824×1"):
        record.parse_statistics(blobs[Blob.STATISTICS], wider)


def test_labels_are_of_the_kept_examples() -> None:
    """One label per example of the batch or per kept example; numbers become text."""
    array = np.zeros((6, 3), np.float32)
    for labels in (["a", "b", "c", "d", "e", "f"], ["a", "b"]):
        blobs = record.encode(array, max_outputs=2, labels=labels)
        assert labels_of(blobs) == ("a", "b")
    blobs = record.encode(array, max_outputs=2, labels=np.arange(6))
    assert labels_of(blobs) == ("0", "1")
    with pytest.raises(ValueError, match="3 labels; there must be one per example of the batch"):
        record.encode(array, max_outputs=2, labels=["a"] * 3)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (np.zeros((2, 3), complex), {}, "dtype complex128 cannot be logged; accepted are"),
        (np.array([["a"]]), {}, "dtype str.* cannot be logged"),
        (np.zeros(3), {}, "rank 1 cannot be logged; accepted are rank 2"),
        (np.zeros((1,) * 6), {}, "rank 6"),
        (np.zeros((2, 3)), {"max_outputs": 0}, "max_outputs is 0"),
        (np.zeros((2, 3)), {"max_channels": -1}, "max_channels is -1"),
        (
            np.zeros((2, 3)),
            {"precision": "float8"},
            "precision is 'float8'; it must be 'auto', 'float16'",
        ),
        (np.zeros((2, 3)), {"compression": 10}, "compression is 10; .* from 0 to 9"),
        (np.zeros((2, 3)), {"data_format": "NHWC"}, "data_format is 'NHWC'"),
        (np.broadcast_to(np.float32(0), (4, 2**14, 2**14, 2)), {}, "at most 1,073,741,824"),
    ],
)
def test_bad_input_is_refused_by_name(
    array: np.ndarray, options: dict[str, Any], message: str
) -> None:
    """The error names the value and what is accepted."""
    with pytest.raises((TypeError, ValueError), match=message):
        record.encode(array, **options)


def test_reading_values_asks_for_the_pages_that_hold_them_alone() -> None:
    """Of five pages of one example each, the values of two examples take two."""
    array = np.random.default_rng(3).normal(size=(5, 200, 200, 3)).astype(np.float32)
    blobs = record.encode(array, max_outputs=5)
    asked: list[int] = []

    class Counting(record.WholeRecord):
        def blobs(self, indices: Sequence[int]) -> list[bytes]:
            asked.extend(indices)
            return super().blobs(indices)

    whole = Counting(blobs)
    assert whole.header.pages == (3,) * 5
    asked.clear()
    part = record.read_values(whole, slice(1, 3), slice(2, 3))
    assert asked == [Blob.FIRST_PAGE + 1, Blob.FIRST_PAGE + 2]
    assert np.array_equal(part, record.read_values(whole)[1:3, 2:3])
    with pytest.raises(record.RecordError, match=r"blob 8 of 8 is missing"):
        record.read_values(record.WholeRecord(blobs[:-1]))


@needs_docs
def test_the_example_of_the_format_reads_a_record() -> None:
    """What docs/format.md tells to type gives the true values, every name it lists is there."""
    text = FORMAT.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    names: dict[str, Any] = {"blobs": record.encode(array)}
    exec(code, names)
    assert np.array_equal(names["values"], np.moveaxis(array, -1, 1))
    table = text[text.index("| name |") :].splitlines()[2:]
    listed = {
        n for row in table if row[:1] == "|" for n in re.findall(r"`(\w+)[`(]", row.split(" | ")[0])
    }
    assert {"parse_header", "decode", "restore", "read_values", "encode"} <= listed
    assert listed <= {*record.__all__}


def labels_of(blobs: list[bytes]) -> tuple[str, ...] | None:
    return record.parse_labels(blobs[Blob.LABELS], record.parse_header(blobs[Blob.HEADER]))


def tampered(blob: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(blob), **fields}).encode()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 2}, "version 2; this tb_activations reads 1"),
        ({"version": None}, "version None"),
        ({"dtype": "int8"}, "dtype is 'int8'"),
        ({"codec": "jpeg"}, "codec is 'jpeg'"),
        ({"shape": [2, 40, 40, -3]}, "shape is '-3'"),
        ({"shape": [2, 4000, 4000, 30]}, "disagrees"),
        ({"shape": [2]}, "disagrees"),
        ({"shape": "x"}, "shape is 'x'"),
        ({"pages": [7]}, "pages disagrees"),
        ({"pages": [6, 0]}, "pages disagrees"),
        ({"exponent": 1e3}, "exponent"),
        ({"examples": [0, 99]}, "examples disagrees"),
        ({"channel_ids": [0, 1, 7]}, "channel_ids disagrees"),
        ({"batch": 2**70}, "batch"),
        ({"channels": True}, "channels"),
    ],
)
def test_an_impossible_header_is_refused(fields: dict[str, Any], message: str) -> None:
    """Every field is checked, the version first, before any size is believed."""
    blob = record.encode(np.zeros((2, 40, 40, 3), np.float32))[0]
    with pytest.raises(record.RecordError, match=message):
        record.parse_header(tampered(blob, **fields))


@pytest.mark.parametrize("blob", [b"", b"\xff", b"[1]", b"[" * 100_000, b"null"])
def test_what_is_no_header_is_refused(blob: bytes) -> None:
    """Bytes that are not a JSON object raise RecordError and nothing else."""
    with pytest.raises(record.RecordError):
        record.parse_header(blob)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that inflates to width × height."""
    out = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint8)).save(out, "PNG")
    return out.getvalue()


def test_a_page_is_checked_before_it_is_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that claims another size than the header never reaches the decompressor."""
    blobs = record.encode(np.ones((2, 40, 40, 3), np.float32))
    header = record.parse_header(blobs[Blob.HEADER])
    page = bomb(5000, 5000)
    monkeypatch.setattr(png, "inflate", None)
    monkeypatch.setattr(png.PngImagePlugin, "PngImageFile", None)
    with pytest.raises(record.RecordError, match="5000×5000"):
        record.decode(header, {0: page}, EVERY, EVERY)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 255), st.integers(0, 4))
def test_a_flipped_byte_never_raises_anything_else(at: int, flip: int, blob: int) -> None:
    """Damage raises RecordError or changes values; it never crashes the reader."""
    blobs = record.encode(np.ones((2, 40, 40, 3), np.float32), labels=["a", "b"])
    data = bytearray(blobs[blob])
    data[at % len(data)] ^= flip
    blobs[blob] = bytes(data)
    try:
        header = record.parse_header(blobs[Blob.HEADER])
        record.parse_summary(blobs[Blob.SUMMARY])
        record.parse_statistics(blobs[Blob.STATISTICS], header)
        record.parse_labels(blobs[Blob.LABELS], header)
        record.read_values(record.WholeRecord(blobs))
    except record.RecordError:
        pass


def test_values_left_out_say_so() -> None:
    """A record without its values still has its statistics, and decoding it says why."""
    blobs = record.encode(np.ones((2, 40, 40, 3), np.float32))
    header = record.parse_header(tampered(blobs[Blob.HEADER], omitted="size", pages=[]))
    assert header.omitted == "size"
    assert record.parse_statistics(blobs[Blob.STATISTICS], header).shape == (3, 6)
    with pytest.raises(record.RecordError, match="not stored: size"):
        record.decode(header, {}, EVERY, EVERY)
