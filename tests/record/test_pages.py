"""Planes of stored values, as pages hold them."""

from __future__ import annotations

import numpy as np
import pytest

from tb_activations.record.pages import planes_of


@pytest.mark.parametrize("shape", [(3, 700, 5), (2, 9, 300), (1, 40, 3, 40, 7), (2, 0, 4), (3, 8)])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_planes_are_channels_in_order(shape: tuple[int, ...], dtype: str) -> None:
    """Whatever the sides, and however the values lie: one plane a channel of an example."""
    values = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    size = 1 if len(shape) == 2 else int(np.prod(shape[1:-1]))
    expected = np.moveaxis(values, -1, 1).reshape(shape[0] * shape[-1], size)
    if len(shape) == 2:
        expected = values
    turned = np.moveaxis(np.ascontiguousarray(np.moveaxis(values, -1, 1)), 1, -1)
    for one in (values, turned):
        found = planes_of(one)
        assert found.dtype == dtype and np.array_equal(found, expected)
