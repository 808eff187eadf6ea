"""The accelerator that PyTorch's tests of devices use, and records made there and on the host."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch_nets import Found, records

import tb_activations as tba

# TBA_DEVICE=cpu runs the tests on the host, which shows that they are right and no more.
DEVICE = os.environ.get("TBA_DEVICE", "cuda")
needs_device = pytest.mark.skipif(
    DEVICE == "cuda" and not torch.cuda.is_available(), reason="there is no CUDA device"
)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
QUIET = {"verbose": 0, "receptive_fields": False, "compression": 0, "precision": "float32"}


class Crossing(TorchFunctionMode):
    """Counts the values that are copied to the host from `DEVICE`, or from `device`."""

    def __init__(self, device: str = DEVICE) -> None:
        super().__init__()
        self.device = device
        self.values = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        asked = (torch.Tensor.cpu, torch.Tensor.tolist, torch.Tensor.item)
        to_host = func in asked or (func is torch.Tensor.to and "cpu" in args)
        if to_host and args[0].device.type == self.device:
            self.values += args[0].numel()
        return func(*args, **(kwargs or {}))


@pytest.fixture
def exact() -> Any:
    """Convolutions of float32 in float32, the same ones each time; seeds."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic
    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic = False, True
    torch.manual_seed(0)
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic = before


def logged(folder: Any, model: Any, x: Any, steps: int = 1, **options: Any) -> dict[Any, Found]:
    """`{(tag, step): record}` of so many steps."""
    options = {**QUIET, "update_freq": 1, **options}
    with tba.ActivationsLogger(folder, model, x, **options) as logger:
        for _ in range(steps):
            logger.step()
    return records(folder)


def apart(one: Any, other: Any, allowed: float) -> float:
    """The share of values that differ by more than `allowed` of the largest value."""
    one, other = (np.asarray(each, np.float64) for each in (one, other))
    assert one.shape == other.shape
    finite = np.abs(one[np.isfinite(one)])
    margin = allowed * max(finite.max(initial=0.0), 1e-3)
    return float(np.mean(~np.isclose(one, other, rtol=allowed, atol=margin, equal_nan=True)))


def assert_same_records(host: dict[Any, Found], there: dict[Any, Found], **limits: float) -> None:
    """Tags, headers, and to `allowed` all but a share `most` of the values and statistics."""
    allowed, most = limits.get("allowed", 2e-3), limits.get("most", 0.0)
    assert list(there) == list(host)
    for key, expected in host.items():
        found = there[key]
        one, other = expected.header, found.header
        assert (one.shape, one.batch, one.source) == (other.shape, other.batch, other.source), key
        assert apart(expected.values, found.values, allowed) <= most, key
        # All but the zeros, which rounding moves: a share of the channel's values.
        assert apart(expected.table[:, :4], found.table[:, :4], allowed) <= most, key
