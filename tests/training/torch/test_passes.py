"""What a pass hands to the thread that encodes: what is kept, and statistics of the rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch_nets import records

import tb_activations as tba
from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.worker import Worker

QUIET = {"verbose": 0, "receptive_fields": False, "log_inputs": False, "precision": "float32"}


@pytest.fixture
def pieces(monkeypatch):
    """The pieces that were handed over, by name."""
    found = {}
    original = Worker.hand_over_piece

    def hand_over(self, update, name, piece):
        found[name] = piece
        original(self, update, name, piece)

    monkeypatch.setattr(Worker, "hand_over_piece", hand_over)
    return found


def test_no_more_is_handed_over_than_is_kept_and_statistics_are_over_all(tmp_path, pieces):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 6, 3, stride=2)
    )
    model = model.to(memory_format=torch.channels_last)
    x = torch.randn(24, 3, 20, 20).contiguous(memory_format=torch.channels_last)
    with tba.ActivationsLogger(tmp_path, model, x, max_channels=5, **QUIET) as logger:
        logger.step()
    found = {name: one for (name, _), one in records(tmp_path).items()}
    values = tba.capture(model, x)
    assert len(found) == len(values) == 4
    for name, array in values.items():
        assert pieces[name].nbytes == 4 * found[name].values.size < array.nbytes / 5
        np.testing.assert_array_equal(found[name].values, kept(array, found[name].header))
        slow = ChannelStatistics.of(array.astype(np.float64), channels_first=True)
        np.testing.assert_allclose(found[name].table, slow.table(), rtol=3e-6, atol=1e-7)


def test_what_is_not_finite_is_handed_over_whole_and_counted(tmp_path, pieces):
    x = torch.randn(24, 3, 9, 9)
    x[5, 1, 2, 3] = torch.nan
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True))
    with tba.ActivationsLogger(tmp_path, model, x, **QUIET) as logger:
        logger.step()
    for (name, _), one in records(tmp_path).items():
        assert pieces[name].nbytes == 4 * 24 * 4 * 9 * 9
        np.testing.assert_array_equal(one.table[:, 5], 1)


def kept(array: np.ndarray, header) -> np.ndarray:
    return np.moveaxis(array[: len(header.examples), list(header.channel_ids)], 1, -1)
