"""Blocks of float32 that stay in the cache: the same statistics as in float64, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from tb_activations.record import ChannelStatistics
from tb_activations.record.moments import _centre, _Sums, moments, moments_of_rows

RANDOM = np.random.default_rng(11)
SHAPES = [
    (5, 3),
    (700, 3),
    (3, 9, 11, 5),
    (2, 40, 40, 64),
    (4, 7, 7, 300),
    (9, 2100),
    (3, 70, 91, 40),
]


def spread(shape: tuple[int, ...], kind: str) -> np.ndarray:
    values = RANDOM.normal(size=shape)
    values = {
        "normal": values,
        "relu": np.maximum(values, 0),
        "million": 1e6 + values,
        "weak": values * 1e-9,
        "strong": values * 1e17,
        "beyond": values * 1e30,
        "broken": np.where(values > 2, np.nan, values),
        "subnormal": np.where(values > 1, 1e-40, values),
        "drifting": values + 1e4 * np.arange(len(values)).reshape(-1, *[1] * (len(shape) - 1)),
    }[kind]
    return values.astype(np.float32)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "kind",
    ["normal", "relu", "million", "weak", "strong", "beyond", "broken", "subnormal", "drifting"],
)
def test_float32_is_summed_as_well_as_float64(shape, kind, first):
    """Extremes and counts exactly, mean and spread to 1e-5 of the spread, in either layout."""
    values = spread(shape, kind)
    found = ChannelStatistics.of(np.moveaxis(values, -1, 1).copy() if first else values, first)
    wide = np.where(np.abs(values) < np.finfo(np.float32).tiny, 0, values).astype(np.float64)
    rows = wide.reshape(-1, shape[-1])
    assert np.array_equal(found.zeros, (rows == 0).sum(axis=0))
    assert np.array_equal(found.finite, np.isfinite(rows).sum(axis=0))
    assert np.array_equal(found.min, np.nanmin(rows, axis=0))
    assert np.array_equal(found.max, np.nanmax(rows, axis=0))
    deviation = np.nanstd(rows, axis=0)
    assert np.all(np.abs(found.mean - np.nanmean(rows, axis=0)) <= 1e-5 * deviation)
    assert np.allclose(np.sqrt(found.m2 / found.finite), deviation, rtol=1e-5)


@pytest.mark.parametrize("kind", ["beyond", "broken"])
def test_what_float32_cannot_sum_is_left_to_float64(kind):
    """Values beyond 1e18, NaN and infinities are no work for the cheap passes."""
    assert moments(spread((400, 8), "normal"), 0) is not None
    assert moments(spread((400, 8), kind), 0) is None
    assert moments(spread((400, 8), kind).T.copy(), 1) is None
    assert moments_of_rows(spread((128 * 3000, 8), kind)) is None


@pytest.mark.parametrize("kind", ["normal", "relu", "million", "weak", "strong", "subnormal"])
def test_many_blocks_are_added_up_as_one(kind):
    """What training shows takes the six passes, also where it is far from zero."""
    assert moments_of_rows(spread((128 * 3000, 8), kind)) is not None


@pytest.mark.parametrize("late", [-3.0, -0.0, 1e-40, np.nan, np.inf, -np.inf])
def test_values_without_a_sign_may_be_followed_by_any(late):
    """Blocks that are compared as integers end where something else than a magnitude stands."""
    values = spread((128 * 3000, 8), "relu")
    values[-1, 5] = late
    found = moments_of_rows(values)
    if not np.isfinite(late):
        assert found is None
        return
    flushed = np.where(np.abs(values) < np.finfo(np.float32).tiny, 0, values)
    assert found is not None
    assert np.array_equal(found.high, values.max(axis=0))
    assert np.array_equal(found.low, values.min(axis=0))
    assert np.array_equal(found.zeros, (flushed == 0).sum(axis=0))


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
@pytest.mark.parametrize("late", [None, -3.0])
def test_the_least_is_found_where_there_are_no_zeros(share, late):
    """In few channels of 64, half or all of them, also where a sign turns up late."""
    values = spread((32 * 3000, 64), "relu")
    values[:, : int(share * 64)] += np.float32(0.25)
    values[123, 0] = 0.125
    if late is not None:
        values[-1, 7] = late
    found = moments_of_rows(values)
    assert found is not None
    assert np.array_equal(found.low, values.min(axis=0))
    assert np.array_equal(found.high, values.max(axis=0))


def test_squares_about_a_value_far_from_the_mean_are_not_trusted():
    """A first block that is not like the others: mean and spread are those of float64."""
    values = spread((128 * 3000, 8), "normal")
    values[20_000:] += 1e5
    found, exact = moments_of_rows(values), values.astype(np.float64)
    assert found is not None
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.m2, exact.var(axis=0) * len(values), rtol=1e-5)


def test_a_constant_channel_has_no_spread():
    """Whatever the value: its mean is that, its deviation 0."""
    values = np.tile(np.float32([0.1, 1e6 / 3, -7e-5]), (100_003, 1))
    found = ChannelStatistics.of(values)
    assert np.allclose(found.mean, values[0].astype(np.float64), rtol=1e-14)
    assert not found.table()[:, 3].any()


def test_rows_unlike_the_first_cost_no_other_way():
    """Pictures with corners unlike the rest, and channels far from 0, are added up in blocks."""
    values = np.random.default_rng(5).normal(size=(32, 32, 32, 32)).astype(np.float32) + 9
    values[:, 0] = np.arange(32)
    values[..., 3] += 1000
    rows = values.reshape(-1, 32)
    found = moments_of_rows(rows)
    exact = rows.astype(np.float64)
    assert found is not None
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.m2, exact.var(axis=0) * len(rows), rtol=1e-5)


def test_few_channels_far_from_zero_do_not_move_the_others():
    """One channel of 32 far from 0 costs no pass over all, and no digits."""
    values = np.maximum(np.random.default_rng(7).normal(size=(1 << 16, 32)), 0).astype(np.float32)
    values[:, 9] += 300
    found, exact = moments_of_rows(values), values.astype(np.float64)
    assert _centre(values[:64].reshape(1, -1), 32) is None
    assert found is not None
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.m2, exact.var(axis=0) * len(values), rtol=1e-5)


def test_channels_far_from_their_sample_are_gone_through_again():
    """A mean that no sample shows, a few in a million of another size, costs no digits."""
    rows = np.zeros((1 << 16, 32), np.float32) + np.linspace(1, 2, 32, dtype=np.float32)
    rows += np.random.default_rng(6).normal(size=rows.shape).astype(np.float32) * 1e-3
    about = _Sums(rows.reshape(-1, 1024), 128, 32, np.full(32, 50, np.float32))
    about.add()
    found, exact = about.moments(), rows.astype(np.float64)
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.m2, exact.var(axis=0) * len(rows), rtol=1e-5)
