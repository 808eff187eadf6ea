"""The six statistics of a channel and the five numbers of a layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tb_activations.record.statistics import SUMS, ChannelStatistics

FLOATS = st.floats(width=32, allow_subnormal=False)


def reference(array: np.ndarray) -> np.ndarray:
    """The statistics of channels-last values, one channel and one value at a time, in float64."""
    rows = []
    for channel in np.moveaxis(array, -1, 0).reshape(array.shape[-1], -1).astype(np.float64):
        finite = channel[np.isfinite(channel)]
        real = [np.nan] * 4
        if len(finite):
            real = [finite.min(), finite.max(), finite.mean(), finite.std()]
        zeros = np.mean(channel == 0) if len(channel) else 0
        rows.append([*real, zeros, len(channel) - len(finite)])
    return np.array(rows).reshape(-1, 6)


@settings(max_examples=150, deadline=None)
@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=4, max_side=6), elements=FLOATS)
)
@example(np.array([[-5.2252782e15], [-6.5025629e16], [7.0481775e16]], np.float32))  # cancel
def test_statistics_agree_with_one_value_at_a_time(array: np.ndarray) -> None:
    """Extremes and counts are exact, the rest right to 1e-5, or to float32 of the largest."""
    table = ChannelStatistics.of(array).table()
    expected = reference(array)
    np.testing.assert_array_equal(table[:, [0, 1, 5]], expected[:, [0, 1, 5]].astype(np.float32))
    scale = np.nanmax(np.abs(expected[:, :2]), axis=1, initial=0)
    for column in (2, 3):
        close = np.abs(table[:, column] - expected[:, column]) <= (
            1e-5 * np.abs(expected[:, column]) + 5e-7 * scale + 2e-38
        )
        assert (close | np.isnan(expected[:, column])).all()
        assert (np.isnan(table[:, column]) == np.isnan(expected[:, column])).all()
    np.testing.assert_allclose(table[:, 4], expected[:, 4], rtol=1e-6)


@pytest.mark.parametrize("channels_first", [False, True])
def test_slices_merge_to_the_statistics_of_the_whole(channels_first: bool) -> None:
    """A batch may come in slices of any size, in either layout."""
    values = np.random.default_rng(0).normal(3, 2, size=(50, 40, 30, 5)).astype(np.float32)
    values[3, :, :, 1] = np.nan
    values[:, :, :, 2] = 0
    whole = ChannelStatistics.of(values)
    turned = np.moveaxis(values, -1, 1) if channels_first else values
    merged = ChannelStatistics.empty(5)
    for part in (turned[:1], turned[1:1], turned[1:30], turned[30:]):
        merged = merged.merge(ChannelStatistics.of(part, channels_first))
    np.testing.assert_allclose(merged.table(), whole.table(), rtol=1e-6)
    np.testing.assert_allclose(merged.table(), reference(values), rtol=1e-5)


def test_the_sums_of_a_device_are_read_by_name() -> None:
    """Seven rows in the order of SUMS give the statistics of the values; any other number none."""
    values = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    values[4, 1], values[5, 2] = np.nan, 0
    whole = ChannelStatistics.of(values)
    rows = {
        "total": np.full(3, 20.0),
        "finite": whole.finite,
        "zeros": whole.zeros,
        "min": whole.min,
        "max": whole.max,
        "mean": whole.mean,
        "variance": whole.m2 / whole.finite,
    }
    found = ChannelStatistics.of_sums(np.stack([rows[name] for name in SUMS]))
    np.testing.assert_allclose(found.table(), whole.table(), rtol=1e-7)
    assert (found.total, found.finite.dtype) == (20, np.int64)
    assert ChannelStatistics.of_sums(np.zeros((7, 0))).total == 0
    with pytest.raises(ValueError, match="sums of 6 rows; there must be total, finite, zeros"):
        ChannelStatistics.of_sums(np.zeros((6, 3)))


def test_sums_near_the_end_of_float32_and_float64_do_not_overflow() -> None:
    """The mean of values near ±3e38 is right, and of ±1e308 too."""
    values = np.full((1000, 2), 3e38, np.float32)
    values[::2, 1] = -3e38
    table = ChannelStatistics.of(values).table()
    np.testing.assert_allclose(table[:, 2], [3e38, 0], rtol=1e-6)
    np.testing.assert_allclose(table[:, 3], [0, 3e38], rtol=1e-6)
    wide = ChannelStatistics.of(np.array([[1.7e308, 1.7e308]] * 2 + [[1.7e308, -1.7e308]] * 2))
    np.testing.assert_array_equal(wide.table()[:, 2], [np.inf, 0])
    np.testing.assert_array_equal(wide.table()[:, 3], [0, np.inf])


def test_one_value_among_millions_keeps_a_channel_from_being_dead() -> None:
    """The fraction of zeros is 1 only where every value is zero."""
    a = ChannelStatistics.of(np.zeros((1, 1), np.float32))
    million = a
    for _ in range(26):
        million = million.merge(million)
    alive = million.merge(ChannelStatistics.of(np.ones((1, 1), np.float32)))
    assert million.table()[0, 4] == 1
    assert alive.table()[0, 4] < 1
    assert (million.summary().dead, alive.summary().dead) == (1, 0)


def test_the_layer_counts_dead_constant_and_non_finite_channels() -> None:
    """Dead: all zero. Constant: one finite value, not zero. Non-finite: at least one such value."""
    values = np.zeros((4, 3, 3, 5), np.float32)
    values[..., 1] = -2
    values[..., 2] = np.nan
    values[..., 3] = np.arange(9).reshape(3, 3)
    values[0, 0, 0, 3] = np.inf
    values[..., 4] = 1e-42  # below the smallest normal number
    summary = ChannelStatistics.of(values).summary()
    assert (summary.dead, summary.constant, summary.nonfinite) == (2, 1, 2)
    assert summary.largest == 8
    finite = values[np.isfinite(values)].astype(np.float64)
    np.testing.assert_allclose(summary.rms, np.sqrt(np.mean(finite**2)), rtol=1e-6)


def test_no_finite_value_has_no_minimum_and_no_rms() -> None:
    """NaN stands where there is nothing to speak of, for an empty batch as well."""
    for values in (np.full((2, 3), np.inf, np.float32), np.zeros((0, 3), np.float32)):
        statistics = ChannelStatistics.of(values)
        assert np.isnan(statistics.table()[:, :4]).all()
        assert np.isnan([statistics.summary().rms, statistics.summary().largest]).all()
        assert statistics.summary().dead == 0
