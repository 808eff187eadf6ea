"""precision="auto": float16, and float32 where that would hide what varies in a channel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tb_activations import record
from tb_activations.record import Blob, encoder, storage

RANDOM = np.random.default_rng(5)
NORMAL = RANDOM.normal(size=(3, 6, 6, 4)).astype(np.float32)
MILLION = (1e6 + NORMAL).astype(np.float32)


def stored_as(array: np.ndarray, **options: Any) -> str:
    return record.parse_header(record.encode(array, **options)[Blob.HEADER]).dtype


def spoilt(array: np.ndarray, channel: int, values: Any) -> np.ndarray:
    out = array.copy()
    out[..., channel] = values
    return out


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (NORMAL, "float16"),
        (np.maximum(NORMAL, 0), "float16"),
        (MILLION, "float32"),
        (spoilt(NORMAL, 2, MILLION[..., 2]), "float32"),
        (spoilt(NORMAL, 2, 1e13), "float32"),  # the others vary below float16's steps beside it
        (spoilt(NORMAL, 2, 100.0), "float16"),  # a constant channel hides nothing
        (spoilt(NORMAL, 2, 0.0), "float16"),
        (spoilt(NORMAL, 2, np.nan), "float16"),
        (np.zeros((2, 3), np.float32), "float16"),
        (np.full((2, 3), 1e6, np.float32), "float16"),
        (MILLION.astype(np.float64), "float32"),
        (1_000_000 + np.arange(24).reshape(2, 4, 3), "float32"),
        ((1000 + NORMAL).astype(np.float16), "float16"),
        (np.arange(96, dtype=np.uint8).reshape(2, 4, 12), "float16"),
        (np.ones((0, 4), np.float32), "float16"),
    ],
)
def test_float32_is_stored_where_float16_would_hide_something(array, dtype):
    """A channel that varies by less than 64 of float16's steps makes the record float32."""
    assert stored_as(array) == dtype
    assert stored_as(array, precision="float16") == "float16"
    assert stored_as(array, precision="float32") == "float32"


def test_a_million_and_a_little_comes_back_exactly():
    """What was one constant before is there to the last bit, by default."""
    blobs = record.encode(MILLION, max_outputs=3)
    header = record.parse_header(blobs[Blob.HEADER])
    values = record.restore(record.read_values(record.WholeRecord(blobs)), header.exponent)
    assert np.array_equal(values, np.moveaxis(MILLION, -1, 1))


@settings(max_examples=400, deadline=None)
@given(
    st.floats(-60000, 60000, width=32),
    st.floats(0, 4000, width=32),
    st.integers(-40, 40),
)
def test_the_rule_counts_steps_of_float16(low, span, exponent):
    """high − low < 64 · the distance of neighbouring float16 at the larger magnitude."""
    high = np.float32(min(60000, low + span))
    largest = np.float16(max(abs(low), abs(high)))
    if abs(float(largest)) > max(abs(low), abs(high)):
        largest = np.nextafter(largest, np.float16(0))  # of the binade in which the largest lies
    step = float(np.spacing(largest)) * 2.0**exponent
    bounds = [np.float32(v * 2.0**exponent) for v in (low, float(high))]
    expected = bounds[0] < bounds[1] and float(bounds[1]) - float(bounds[0]) < 64 * step
    tiny = np.finfo(np.float32).tiny
    if all(v == 0 or abs(v) >= tiny for v in bounds):
        assert storage.hides(bounds[:1], bounds[1:], exponent) == expected


def test_a_record_over_the_limit_stays_float16(monkeypatch):
    """Values that fit into a record as float16 alone are not refused."""
    monkeypatch.setattr(encoder, "over_limit", lambda size: size > 2 * MILLION.size)
    assert stored_as(MILLION, max_outputs=3) == "float16"
