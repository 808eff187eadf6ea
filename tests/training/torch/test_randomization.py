"""`tba.randomization_check` of an `nn.Module`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch_nets import images

import tb_activations as tba


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.utils.parametrizations.weight_norm(nn.Linear(144, 5)),
    )


def test_gradients_pass_and_the_module_is_left_alone():
    """Parameters, statistics, generators and a graph of the caller's are as they were."""
    model, x = net().train(), images()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    loss = model.eval()(x).sum()
    model.train()
    generator = torch.get_rng_state()
    found = tba.randomization_check(model, x, ["gradients", "grad_cam"], 1)
    assert found.stages == (("4",), ("1",), ("0",))
    assert found.methods["gradients"].signed.shape == (3, 1, len(x))
    assert found.verdicts["gradients"] == "passes"
    assert all(torch.equal(before[name], one) for name, one in model.state_dict().items())
    assert torch.equal(generator, torch.get_rng_state())
    assert all(one.training for one in model.modules())
    loss.backward()  # refuses where a weight was written to
    assert np.abs(model[0].weight.grad.numpy()).max() > 0


def test_a_constant_buffer_stays_and_an_error_puts_weights_back():
    """A table that no training has set is no weight; a score that fails leaves nothing behind."""

    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.arange(1.0, 7))
            self.register_buffer("mask", torch.arange(6.0))
            self.out = nn.Linear(6, 3)

        def forward(self, x):
            assert torch.equal(self.mask, torch.arange(6.0))
            return self.out(x * self.scale * self.mask)

    model, calls = Masked(), []
    before = [one.clone() for one in model.parameters()]

    def score(y):
        calls.append(1)
        if len(calls) > 3:
            raise ZeroDivisionError("enough")
        return y[:, 0]

    found = tba.randomization_check(model, torch.randn(3, 6), "gradients", 1)
    assert found.stages == (("out",), ("Masked",))
    with pytest.raises(Exception, match="enough"):
        tba.randomization_check(model, torch.randn(3, 6), "gradients", score)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
