"""Statistics in torch's ops are those of NumPy, and what they cannot do goes NumPy's way."""

from __future__ import annotations

import numpy as np
import pytest

from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.torch.statistics import TensorPiece, statistics

SHAPES = [(32, 16, 12, 12), (8, 3, 60, 60), (16, 1100, 2, 2), (700, 100, 1), (19, 2, 100, 90)]


def values(shape, scale=1.0) -> np.ndarray:
    array = np.random.default_rng(3).normal(size=shape) * scale
    return np.maximum(array, -0.3 * scale).astype(np.float32) * (array > -0.1 * scale)


@pytest.mark.parametrize("shape", SHAPES)
def test_tables_are_those_of_numpy(shape):
    array = values(shape).astype(np.float32) + np.float32(0.5)
    fast, slow = statistics(array, True), ChannelStatistics.of(array, True)
    assert fast is not None
    np.testing.assert_array_equal(fast.zeros, slow.zeros)
    np.testing.assert_array_equal(fast.table()[:, :2], slow.table()[:, :2])
    np.testing.assert_allclose(fast.table(), slow.table(), rtol=2e-6, atol=1e-7)


def test_zeros_dead_channels_and_subnormals_are_counted_as_the_format_says():
    array = values((16, 8, 24, 24))
    array[:, 2] = 0
    array[:, 3, 0] = 1e-40  # below the smallest normal number: a zero
    array[:, 4] = np.finfo(np.float32).tiny
    array[:, 4, :, 1:] = 1
    fast, slow = statistics(array, True), ChannelStatistics.of(array, True)
    assert fast is not None
    np.testing.assert_array_equal(fast.zeros, slow.zeros)
    np.testing.assert_array_equal(fast.min, slow.min)
    assert fast.summary().dead == slow.summary().dead == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e25, 1e38])
def test_what_is_not_finite_or_leaves_float32_goes_numpys_way(bad):
    array = values((16, 8, 24, 24))
    array[3, 5, 2, 1] = bad
    assert statistics(array, True) is None
    piece = TensorPiece(16, 4, array)

    class Layer:
        channels_first = True

    np.testing.assert_array_equal(
        piece.statistics(Layer()).table(), ChannelStatistics.of(array, True).table()
    )


def test_tiny_values_and_other_dtypes_go_numpys_way():
    assert statistics(values((16, 8, 24, 24), 1e-15), True) is None
    assert statistics(values((16, 8, 24, 24)).astype(np.float64), True) is None
    assert statistics(values((4, 8)), False) is None
    assert statistics(values((16, 8, 16, 16)), True) is None  # few: NumPy is the faster one
    assert statistics(values((7, 300, 33)), False) is None
    assert statistics(values((2, 16, 16, 16)), True) is None
