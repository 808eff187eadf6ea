"""Many clients at once while a writer adds steps: no error, bounded memory, other tabs answer."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from logs import event, layer
from report import report

from tb_activations.eventfile.writer import EventWriter

SOAK = os.environ.get("TBA_SOAK") == "1"
CLIENTS, SECONDS = (64, 30) if SOAK else (8, 5)
ROUTE = "data/plugin/activations/"
SHAPE = (4, 28, 28, 32)
MEGABYTES = 250  # that a server may grow by, under any load


def resident(pid: int) -> float:
    """Megabytes that the process has in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def write(directory, stop):
    arrays = [layer(SHAPE, seed) for seed in range(4)]
    with EventWriter(directory) as writer:
        step = 0
        while not stop.is_set():
            writer.write(event("conv", step, arrays[step % 4], order=0))
            step += 1
            time.sleep(0.02)


def look(server, stop, took, wrong, seed):
    """One client: the views of someone who moves the step slider about."""
    rng = random.Random(seed)
    while not stop.is_set():
        listed = server.json(ROUTE + "steps", run=".", tag="conv")["steps"]
        for _ in range(6):
            entry = rng.choice(listed)
            begun = time.perf_counter()
            answer = server.plugin(
                "tensor", run=".", tag="conv", step=entry["step"], example=rng.randrange(4)
            )
            took.append(time.perf_counter() - begun)
            values = np.frombuffer(answer.body, "<f2") if answer.status == 200 else None
            if values is None or values.size != np.prod(SHAPE[1:]):
                wrong.append((answer.status, answer.text[:200]))
        for route in ("stats?run=.&tag=conv&steps=0:1", "overview?run=."):
            if server.plugin(route).status != 200:
                wrong.append(route)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("load_fast", ["false", "true"])
def test_many_clients_at_once(tmp_path, tensorboard_server, load_fast, monkeypatch):
    """Every view of every client is answered while steps are added, other tabs' routes too."""
    # The allocator keeps some memory for each thread, on a machine of many cores for more of them.
    monkeypatch.setenv("MALLOC_ARENA_MAX", "16")
    stop, took, wrong = threading.Event(), [], []
    writer = threading.Thread(target=write, args=(tmp_path, stop))
    writer.start()
    try:
        server = tensorboard_server(tmp_path, load_fast=load_fast)
        server.wait_for_tags("conv")
        before = resident(server.process.pid)
        clients = [
            threading.Thread(target=look, args=(server, stop, took, wrong, seed))
            for seed in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        others = _ask_other_tabs(server, time.monotonic() + SECONDS)
    finally:
        stop.set()
    for thread in (writer, *clients):
        thread.join()
    report(
        "load",
        f"{CLIENTS} clients for {SECONDS} s under --load_fast={load_fast}: {len(took)} views, "
        f"{len(wrong) or 'none'} wrong, {_latencies(took)}; "
        f"{resident(server.process.pid) - before:.0f} MB more memory; "
        f"{len(others)} answers to other tabs, {_latencies(others)}; "
        f"idle they took {_latencies(_ask_other_tabs(server, time.monotonic() + 1))}",
    )
    assert wrong == []
    assert len(took) > CLIENTS and len(others) >= 3
    assert resident(server.process.pid) < before + MEGABYTES
    assert "Traceback" not in server.stderr


def _latencies(seconds):
    p50, p99, worst = 1e3 * np.percentile(seconds, [50, 99, 100])
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, at most {worst:.0f} ms"


def _ask_other_tabs(server, deadline):
    """The seconds that each answer to TensorBoard's own routes took; all must be answers."""
    took = []
    while time.monotonic() < deadline:
        for path in ("data/plugins_listing", "data/runs", "data/plugin/scalars/tags"):
            begun = time.monotonic()
            assert server.get(path).status == 200
            took.append(time.monotonic() - begun)
        time.sleep(0.2)
    return took
