"""One part of `accelerator`, in PyTorch: a network, its training step, and each way to log.

The probe batch is the training batch, in evaluation mode and without gradients.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks import accelerator_encoding
from benchmarks.accelerator import report, seconds_left
from benchmarks.accelerator_ways import (
    DEVICE,
    Limited,
    OnDevice,
    cheap_sums,
    copied,
    network,
    sums,
    watched,
)
from tb_activations.record.statistics import ChannelStatistics


def sync() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


class Bench:
    """One network and batch: plain forward and training step, then each way against them."""

    def __init__(self, name: str, batch: int, autocast: bool) -> None:
        side = 32 if name == "tiny" else 224
        self.model = network(name).to(DEVICE)
        self.x = torch.randn(batch, 3, side, side, device=DEVICE)
        self.y = torch.randint(0, 10, (batch,), device=DEVICE)
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.001)
        self.autocast = autocast
        self.forward = 0.0
        self.shapes: list[tuple[str, tuple[int, ...], bool]] = []

        def note(name: str, value: torch.Tensor) -> None:
            self.shapes.append((name, tuple(value.shape), value.ndim >= 4))

        with watched(self.model, note):
            self.evaluate(lambda model, x: model(x))
        self.plan = accelerator_encoding.plan(self.shapes)

    def context(self) -> Any:
        return torch.autocast(DEVICE.type, torch.bfloat16, enabled=self.autocast)

    def evaluate(self, way: Callable[[nn.Module, torch.Tensor], Any]) -> Any:
        self.model.eval()
        with torch.no_grad(), self.context():
            return way(self.model, self.x)

    def train(self) -> None:
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        with self.context():
            loss = nn.functional.cross_entropy(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()

    def once(self, way: Callable[..., Any]) -> tuple[float, float, float, Any]:
        """(milliseconds until it returns, on the device, until all is there, its answer)."""
        sync()
        events = None
        if DEVICE.type == "cuda":
            events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
            events[0].record()
        start = time.perf_counter()
        answer = self.evaluate(way)
        thread = time.perf_counter() - start
        if events:
            events[1].record()
        sync()
        complete = time.perf_counter() - start
        device = events[0].elapsed_time(events[1]) if events else complete * 1e3
        return thread * 1e3, device, complete * 1e3, answer

    def baseline(self) -> dict[str, float]:
        plain = lambda model, x: model(x)  # noqa: E731
        self.evaluate(plain)
        self.forward = statistics.median(self.once(plain)[1] for _ in range(7))
        for _ in range(3):
            self.train()
        self.step = statistics.median(self.steps(5) for _ in range(3))
        return {"forward_ms": self.forward, "step_ms": self.step}

    def steps(self, count: int, way: Callable[..., Any] | None = None) -> float:
        """Milliseconds a training step, each followed by one logging, all waited for at the end."""
        sync()
        start = time.perf_counter()
        for _ in range(count):
            self.train()
            if way is not None:
                self.evaluate(way)
        sync()
        return (time.perf_counter() - start) * 1e3 / count

    def way(self, name: str, way: Callable[..., Any], repeats: int) -> dict[str, Any]:
        self.once(way)
        found = [self.once(way) for _ in range(repeats)]
        thread, device, complete = (statistics.median(f[i] for f in found) for i in range(3))
        waits = self.steps(5, way) - self.step
        return {
            "way": name,
            "crosses_MB": found[0][3] / 1e6,
            "thread_ms": thread,
            "thread_in_forwards": thread / self.forward,
            "device_ms": device,
            "device_in_forwards": device / self.forward,
            "complete_ms": complete,
            "step_waits_ms": waits,
            "step_waits_in_forwards": waits / self.forward,
        }


def limited(bench: Bench, name: str, work: Callable[[str, np.ndarray], Any]) -> dict[str, Any]:
    """A way that takes seconds a pass: once, and as far as it came in 15 seconds."""
    way = Limited(work, 15)
    bench.once(way)
    every = sum(math.prod(shape) for _, shape, _ in bench.shapes) * 4
    whole = way.took * every / max(way.done, 1)
    return {
        "way": name,
        "crosses_MB": every / 1e6,
        "thread_ms": whole,
        "thread_in_forwards": whole / bench.forward,
        "complete_ms": whole,
        "share_measured": way.done / every,
    }


def in_numpy(_name: str, array: np.ndarray) -> None:
    ChannelStatistics.of(array, array.ndim >= 4)


def logger_figures(bench: Bench) -> dict[str, Any]:
    """The package's own logger, whole: at every step, and where the last update is on disk."""
    import tb_activations as tba

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        logger = tba.ActivationsLogger(folder, bench.model, bench.x.cpu(), update_freq=1)
        logger.step()
        first = time.perf_counter() - start
        threads, cpu = logger_steps(bench, logger, idle=False)
        start = time.perf_counter()
        logger.flush()
        drained = time.perf_counter() - start
        idle, _ = logger_steps(bench, logger, idle=True)
        logger.close()
    return {
        "way": "ActivationsLogger, whole",
        "thread_ms": idle,
        "thread_in_forwards": idle / bench.forward,
        "thread_at_every_step_ms": threads,
        "first_ms": first * 1e3,
        "drained_ms": drained * 1e3,
        "cpu_ms_with_step": cpu,
    }


def logger_steps(bench: Bench, logger: Any, idle: bool) -> tuple[float, float]:
    """Milliseconds of an update on the thread, of CPU for it and its step; medians of five."""
    threads, cpus = [], []
    for _ in range(5):
        cpu = time.process_time()
        bench.train()
        sync()
        if idle:
            logger.flush()
        start = time.perf_counter()
        logger.step()
        threads.append((time.perf_counter() - start) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    return statistics.median(threads), statistics.median(cpus)


def histograms(bench: Bench) -> dict[str, Any]:
    """`.cpu()` in every hook, and `add_histogram` of each, as people do by hand."""
    from torch.utils.tensorboard import SummaryWriter

    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
        writer.add_histogram("first", np.ones(2), 0)
        return limited(
            bench, "hooks, add_histogram", lambda name, array: writer.add_histogram(name, array, 0)
        )


def main(name: str, batch: str, dtype: str = "float32") -> None:
    bench = Bench(name, int(batch), dtype == "bfloat16")
    card = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "CPU"
    facts = {"card": card, "torch": torch.__version__, "plan": bench.plan.describe()}
    report(**facts, entries=len(bench.shapes), **bench.baseline())
    on_device = OnDevice(sums, bench.plan)
    report(device=bench.way("device, masked", on_device, 5))
    report(**accelerator_encoding.figures(on_device.host.numpy(), bench.plan, int(batch)))
    report(cheap=bench.way("device, no masks", OnDevice(cheap_sums, bench.plan), 5))
    report(copied=bench.way("hooks, .cpu() alone", copied, 3))
    cautiously("logger", lambda: logger_figures(bench))
    cautiously("host", lambda: limited(bench, "host, statistics in NumPy", in_numpy))
    if DEVICE.type == "cuda" and seconds_left() > 60:
        fused = OnDevice(torch.compile(sums, dynamic=True), bench.plan)
        cautiously("fused", lambda: bench.way("device, masked, compiled", fused, 5))
    if seconds_left() > 60:
        cautiously("hooks", lambda: histograms(bench))


def cautiously(name: str, measure: Callable[[], dict[str, Any]]) -> None:
    """What one way costs, or why it cannot be told: the others still count."""
    try:
        report(**{name: measure()})
    except Exception as e:
        report(**{name: {"way": name, "failed": f"{type(e).__name__}: {str(e)[:200]}"}})


if __name__ == "__main__":
    main(*sys.argv[1:])
