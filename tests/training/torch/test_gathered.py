"""Values that are summed where they are, as on an accelerator: the same records as on a CPU."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from devices import Crossing
from torch import nn
from torch_nets import Residual, images, records

import tb_activations as tba
from tb_activations.training.torch import passes
from tb_activations.training.torch.gathered import can_sum

QUIET = {"verbose": 0, "receptive_fields": False, "compression": 0, "precision": "float32"}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


class Sorts(nn.Module):
    """Channels of every sort: NaN, infinite, dead, subnormal, weak, constant, large, ordinary."""

    ordinary = False

    def forward(self, x):
        if self.ordinary:
            return x[:, :1].expand(-1, 10, -1, -1) + 0.0
        x = x[:, 0]
        sorts = [
            x,
            x.masked_fill(x > 1.5, torch.nan),
            x.masked_fill(x < -1.5, -torch.inf),
            torch.full_like(x, torch.nan),
            torch.zeros_like(x),
            x * 1e-39,
            x * 1e-30,
            torch.full_like(x, 3.0),
            x * 1e30,
            x + 1e6,
        ]
        return torch.stack(sorts, 1)


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.sorts = Sorts()

    def forward(self, x):
        return self.sorts(x * self.weight).sum((1, 2, 3))


class Several(nn.Module):
    """Rows that are frames, time first, scores, integers, and writing in place."""

    def __init__(self):
        super().__init__()
        self.frames = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.time_first = nn.LSTM(6, 5)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.answer = Answer()

    def forward(self, x):
        n = len(x)
        frames = self.relu(self.frames(x.repeat_interleave(2, 0)))
        frames += 1
        states, _ = self.time_first(frames[::2, 0].movedim(1, 0)[..., :6])
        attended, _ = self.attention(*[frames.reshape(n, -1, 4)] * 3)
        return self.answer(attended.mean(1)), states


class Answer(nn.Module):
    def forward(self, x):
        return x.argmax(1, keepdim=True)


def logged(folder, model, x, **options):
    with tba.ActivationsLogger(folder, model, x, update_freq=1, **{**QUIET, **options}) as logger:
        logger.step()
        logger.step()
    return records(folder)


def same_statistics(a, b, key):
    """Each column to float32's precision, the deviation to that of the channel's largest value."""
    largest = np.abs(a[:, :2]).max(1)
    for column in range(6):
        allowed = 1e-6 * largest if column == 3 else 0.0
        difference = np.abs(b[:, column] - a[:, column])
        assert (np.isnan(a[:, column]) == np.isnan(b[:, column])).all(), (key, column)
        within = difference <= allowed + 5e-6 * np.abs(a[:, column])
        assert (within | np.isnan(difference) | (a[:, column] == b[:, column])).all(), (key, column)


def compare(monkeypatch, tmp_path, model, x, **options):
    """The records made on the host, and those summed where the values are."""
    host = logged(tmp_path / "host", model, x, **options)
    monkeypatch.setattr(passes, "device_of", lambda _: SimpleNamespace(type="elsewhere"))
    monkeypatch.setattr(passes, "on_accelerator", can_sum)
    asked = []
    kept = passes.Gathered.hand_over
    monkeypatch.setattr(passes.Gathered, "hand_over", lambda *a: (asked.append(1), kept(*a))[1])
    device = logged(tmp_path / "device", model, x, **options)
    assert asked
    assert list(host) == list(device)
    for key in host:
        a, b = host[key], device[key]
        assert a.header == b.header, key
        assert np.array_equal(a.values, b.values, equal_nan=True), key
        same_statistics(a.table, b.table, key)
    return device, len(asked)


def test_a_network_has_the_same_records(monkeypatch, tmp_path):
    """Kept values to the bit, statistics to float32's precision, fewer channels too."""
    found, passes_made = compare(monkeypatch, tmp_path, Residual(), images(40), max_channels=3)
    assert passes_made >= 4  # two slices at two steps
    assert len(found) > 8


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_values_that_are_no_ordinary_numbers_are_told_apart(monkeypatch, tmp_path, dtype):
    """The pass is made again with NaN, Inf and subnormals masked; nothing is left out."""
    x = images(8).to(getattr(torch, dtype))
    model = Odd().to(x.dtype)
    found, _ = compare(monkeypatch, tmp_path, model, x)
    table = found["sorts", 1].table
    assert (table[[1, 2, 3], 5] > 0).all()
    assert list(table[4:6, 4]) == [1, dtype != "float64"]


def test_every_layout_has_the_same_records(monkeypatch, tmp_path):
    """Frames in the batch, time first, attention's scores, integers, values written over."""
    found, _ = compare(monkeypatch, tmp_path, Several().eval(), images(6))
    names = {name for name, _ in found}
    assert {"frames", "relu", "answer"} <= names


def test_kept_values_are_fetched_once_though_some_are_no_ordinary_numbers(monkeypatch, tmp_path):
    """The pass that finds NaN fetches sums alone: no more leaves the device than otherwise."""
    monkeypatch.setattr(passes, "device_of", lambda _: SimpleNamespace(type="elsewhere"))
    monkeypatch.setattr(passes, "on_accelerator", can_sum)
    model, x, fetched = Odd(), images(40, 12), []
    options = {**QUIET, "update_freq": 1, "log_inputs": False}
    with tba.ActivationsLogger(tmp_path, model, x, **options) as logger:
        for ordinary in (True, True, False):
            model.sorts.ordinary = ordinary
            with Crossing("cpu") as crossing:
                logger.step()
            fetched.append(crossing.values)
    sums = 6 * 10 * 2  # of two slices
    assert np.isnan(records(tmp_path)["sorts", 3].table[3, 0])
    assert fetched[1] < fetched[2] <= fetched[1] + sums
    assert fetched[1] == 4 * 10 * 144 + sums  # of 40 * 10 * 144 values


def test_scores_that_are_many_are_summed_some_examples_at_a_time(monkeypatch, tmp_path):
    """Where they are: of each part what is kept is fetched, and its sums."""
    monkeypatch.setattr(passes, "_AT_ONCE", 1)
    monkeypatch.setattr(passes, "_AT_ONCE_ON_DEVICE", 2 * 2 * 36 * 36 * 4)
    parts = []
    summed = passes.summed_alone
    monkeypatch.setattr(
        passes, "summed_alone", lambda *a: (parts.append((len(a[0]), a[2])), summed(*a))[1]
    )
    found, _ = compare(monkeypatch, tmp_path, Residual().eval(), images(7))
    assert ("encoder/layers/0/self_attn/attention_scores", 2) in found
    assert parts[:4] == [(2, 2), (2, 2), (2, 0), (1, 0)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("make", [Residual, Odd, Several])
def test_a_model_on_cuda_has_the_records_of_the_cpu(tmp_path, make):
    """To what another order of additions allows."""
    torch.manual_seed(0)
    model, x = make().eval(), images(40)
    host = logged(tmp_path / "host", model, x)
    device = logged(tmp_path / "device", model.cuda(), x)
    assert list(host) == list(device)
    for key in host:
        a, b = host[key], device[key]
        assert a.header.shape == b.header.shape, key
        assert np.allclose(a.values, b.values, rtol=1e-3, atol=1e-3, equal_nan=True), key
        assert np.allclose(a.table, b.table, rtol=2e-3, atol=1e-3, equal_nan=True), key
