"""The PyTorch network of `accelerator`, what is logged of it, and the ways to log it.

Every module without children that gives one tensor, and every block, is logged, channels at axis 1
of pictures and last elsewhere: what `ActivationsLogger` sees, without functional activations. A
way is called with (model, batch), runs the pass, and returns the bytes that cross to the host.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from tb_activations.training.plan import Plan

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
TINY = float(torch.finfo(torch.float32).tiny)
Hook = Callable[[str, torch.Tensor], None]


class Small(nn.Module):
    """For the smoke test: every kind of layer that the large ones have."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU(True))
        self.head = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.stem(x).mean((2, 3)))


def network(name: str) -> nn.Module:
    """A network of random weights, of torchvision, or of timm where that cannot be imported."""
    torch.manual_seed(0)
    if name == "tiny":
        return Small()
    try:
        import torchvision.models

        return torchvision.models.get_model(name)
    except (ImportError, RuntimeError, AttributeError):
        import timm

        return timm.create_model({"vit_b_16": "vit_base_patch16_224"}.get(name, name))


def logged(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The modules whose outputs are logged."""
    blocks = ("Bottleneck", "BasicBlock", "EncoderBlock", "Block")
    return [
        (name, module)
        for name, module in model.named_modules()
        if name and (not list(module.children()) or type(module).__name__ in blocks)
    ]


@contextlib.contextmanager
def watched(model: nn.Module, hook: Hook) -> Any:
    """Calls `hook(name, output)` for everything logged, while it lasts."""

    def call(name: str, _m: Any, _i: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and 2 <= output.ndim <= 5:
            hook(name, output)

    handles = [m.register_forward_hook(functools.partial(call, name)) for name, m in logged(model)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def axis(value: torch.Tensor) -> int:
    return 1 if value.ndim >= 4 else value.ndim - 1


def sums(value: torch.Tensor) -> torch.Tensor:
    """float32 `[7, c]`, the rows of `record.statistics.Sums`, masked; nothing is waited for."""
    channel = axis(value)
    dims = [i for i in range(value.ndim) if i != channel]
    value = value.float()
    finite = torch.isfinite(value)
    normal = finite & (value.abs() >= TINY)
    plain = torch.where(normal, value, 0.0)
    count = finite.sum(dims, dtype=torch.float32)
    shape = [-1 if i == channel else 1 for i in range(value.ndim)]
    mean = plain.sum(dims) / count.clamp(min=1)
    centred = torch.where(finite, plain - mean.view(shape), 0.0)
    total = torch.full_like(count, value.numel() / value.shape[channel])
    low = torch.where(finite, plain, float("inf")).amin(dims)
    high = torch.where(finite, plain, float("-inf")).amax(dims)
    zeros = (finite & ~normal).sum(dims, dtype=torch.float32)
    variance = centred.square().sum(dims) / count.clamp(min=1)
    return torch.stack([total, count, zeros, low, high, mean, variance])


def cheap_sums(value: torch.Tensor) -> torch.Tensor:
    """The same without masks, for values that are all finite: what the masks cost."""
    channel = axis(value)
    dims = [i for i in range(value.ndim) if i != channel]
    value = value.float()
    variance, mean = torch.var_mean(value, dims, correction=0)
    total = torch.full_like(mean, value.numel() / value.shape[channel])
    zeros = (value == 0).sum(dims, dtype=torch.float32)
    return torch.stack([total, total, zeros, value.amin(dims), value.amax(dims), mean, variance])


class OnDevice:
    """Statistics where the values are; one packed copy, for which nothing waits."""

    def __init__(self, make: Callable[[torch.Tensor], torch.Tensor], plan: Plan) -> None:
        self._make = make
        self._plan = plan
        self._ids = [
            None if layer.channel_ids is None else torch.tensor(layer.channel_ids, device=DEVICE)
            for layer in plan.layers
        ]
        self._hosts: list[torch.Tensor] = []
        self.host = torch.empty(0)

    def __call__(self, model: nn.Module, x: torch.Tensor) -> int:
        parts: list[torch.Tensor] = []

        def hook(_name: str, value: torch.Tensor) -> None:
            value, ids = value.detach(), self._ids[len(parts) // 2]
            kept = value[: self._plan.examples]
            kept = kept.clone() if ids is None else kept.index_select(axis(value), ids)
            parts.extend([self._make(value).flatten(), kept.float().flatten()])

        with watched(model, hook):
            model(x)
        packed = torch.cat(parts)
        self.host = self._buffer(packed.numel())
        self.host.copy_(packed, non_blocking=True)
        return packed.numel() * 4

    def _buffer(self, size: int) -> torch.Tensor:
        """Two in turn, as a worker would still read one."""
        if len(self._hosts) < 2:
            pinned = DEVICE.type == "cuda"
            self._hosts.append(torch.empty(size, dtype=torch.float32, pin_memory=pinned))
            return self._hosts[-1]
        self._hosts.reverse()
        return self._hosts[0]


class Enough(Exception):
    """A way took so long that the rest of the pass would tell nothing new."""


class Limited:
    """What `work(name, array)` of each value takes, given up after so many seconds."""

    def __init__(self, work: Callable[[str, np.ndarray], Any], seconds: float) -> None:
        self._work = work
        self._seconds = seconds
        self.done = 0
        self.took = 0.0

    def __call__(self, model: nn.Module, x: torch.Tensor) -> int:
        start, self.done = time.perf_counter(), 0

        def hook(name: str, value: torch.Tensor) -> None:
            array = value.detach().float().cpu().numpy()
            self._work(name, array)
            self.done += array.nbytes
            if time.perf_counter() - start > self._seconds:
                raise Enough

        with watched(model, hook), contextlib.suppress(Enough):
            model(x)
        self.took = (time.perf_counter() - start) * 1e3
        return self.done


def copied(model: nn.Module, x: torch.Tensor) -> int:
    """`.cpu()` in every hook and nothing else."""
    crossed = 0

    def hook(_name: str, value: torch.Tensor) -> None:
        nonlocal crossed
        array = value.detach().cpu()
        crossed += array.numel() * array.element_size()

    with watched(model, hook):
        model(x)
    return crossed
