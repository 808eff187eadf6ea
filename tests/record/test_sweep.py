"""Statistics of float32 as it lies in memory are those of every value in float64."""

from __future__ import annotations

import numpy as np
import pytest

from tb_activations.record import sweep
from tb_activations.record.statistics import ChannelStatistics

TINY = np.finfo(np.float32).tiny
SHAPES = [
    ((32, 16, 12, 12), 1),
    ((8, 3, 60, 60), 1),
    ((16, 1100, 2, 2), 1),
    ((700, 100, 1), 1),
    ((3, 5, 40, 40), 1),  # rows are parts of a plane
    ((19, 6, 9), 2),
    ((32, 40), 1),
]


def values(shape, scale=1.0) -> np.ndarray:
    array = np.random.default_rng(3).normal(size=shape) * scale
    return (np.maximum(array, -0.3 * scale) * (array > -0.1 * scale)).astype(np.float32)


def layouts(array: np.ndarray) -> list[np.ndarray]:
    """The same values, as they may lie in memory; in some there may be nothing to take as rows."""
    return [
        array,
        np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1),
        np.swapaxes(np.ascontiguousarray(np.swapaxes(array, 0, -1)), 0, -1),
        np.repeat(array, 2, axis=-1)[..., ::2],
        array[..., ::-1],
    ]


def check(array: np.ndarray, axis: int, told: bool = True) -> None:
    found = sweep.swept(array, axis)
    if not told and found is None:
        return
    assert found is not None
    wide = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]).astype(np.float64)
    np.testing.assert_array_equal(found.zeros, (np.abs(wide) < TINY).sum(axis=0))
    np.testing.assert_array_equal(found.low, wide.min(axis=0))
    np.testing.assert_array_equal(found.high, wide.max(axis=0))
    largest = np.abs(wide).max()
    np.testing.assert_allclose(found.mean, wide.mean(axis=0), rtol=0, atol=4e-7 * largest)
    spread = np.sqrt(found.m2 / len(wide))
    np.testing.assert_allclose(spread, wide.std(axis=0), rtol=2e-6, atol=0)


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("offset", [0.0, 0.5, -3.0, 1e5])
def test_moments_are_those_of_float64_wherever_values_lie(shape, axis, offset):
    array = values(shape) + np.float32(offset)
    for one in layouts(array):
        check(one, axis, told=one is array)


def test_many_values_are_gone_through_some_channels_at_a_time(monkeypatch):
    monkeypatch.setattr(sweep, "_AT_ONCE", 1 << 12)
    for shape, axis in SHAPES:
        for one in layouts(values(shape)):
            check(one, axis, told=one.flags.c_contiguous)


def test_the_spread_of_channels_whose_first_values_mislead_is_told_all_the_same():
    array = values((32, 16, 8, 8))
    array[0, 3], array[1:, 3] = 0.0, 1000 + array[1:, 3]
    array[:, 5] = 7.0
    array[:2, 5] = 0.0  # far from 0 but in the first rows
    array[2:, 5] += np.float32(1e-3) * array[2:, 4]
    check(array, 1)


def test_zeros_dead_and_constant_channels_and_subnormals_are_as_the_format_says():
    array = values((16, 8, 24, 24))
    array[:, 2] = 0
    array[:, 3, 0] = 1e-40  # below the smallest normal number: a zero
    array[:, 4] = TINY
    array[:, 4, :, 1:] = 1
    array[:, 5], array[:, 6] = -0.1, -0.0
    found = ChannelStatistics.quick(array, True)
    assert found is not None
    table, flushed = found.table(), np.where(np.abs(array) < TINY, 0, array)
    zeros = (flushed == 0).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(table[:, 4], zeros, rtol=1e-6)
    np.testing.assert_array_equal(table[:, 0], flushed.min(axis=(0, 2, 3)))
    assert found.summary().dead == 2 and found.summary().constant == 1
    assert found.mean[5] == np.float32(-0.1) and found.m2[5] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e25, 1e38])
def test_what_is_not_finite_or_leaves_float32_is_left_to_others_and_right(bad):
    array = values((16, 8, 24, 24))
    array[3, 5, 2, 1] = bad
    assert ChannelStatistics.quick(array, True) is None
    table = ChannelStatistics.of(array, True).table()
    wide = np.where(np.isfinite(array), array, 0).astype(np.float64)
    assert table[5, 1] == wide[:, 5].max() and table[5, 5] == (not np.isfinite(bad))


def test_what_has_no_rows_and_other_dtypes_are_left_to_others():
    assert ChannelStatistics.quick(values((16, 8, 24, 24), 1e-15), True) is None
    assert ChannelStatistics.quick(values((16, 8, 24, 24)).astype(np.float64), True) is None
    assert ChannelStatistics.quick(values((2, 16, 16, 16)), True) is None
    assert ChannelStatistics.quick(values((7, 4)).T, False) is None
    assert ChannelStatistics.quick(np.zeros((0, 4, 3), np.float32), True) is None
