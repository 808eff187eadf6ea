"""The server's side: requests a second and latency of each route, and what the plugin adds.

Clients are threads on loopback with a bounded number of requests each. Start-up time and memory
are measured in an environment without TensorFlow, before and after the plugin is installed in it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from servers import PLUGIN, tensorboard_server

from benchmarks import harness
from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import metadata

LAYERS, STEPS, SHAPE = 20, 50, (4, 28, 28, 64)
CLIENTS = (1, 8, 64)


def sections(full: bool) -> list[harness.Section]:
    return [_routes(800 if full else 96), _added(5 if full else 3)]


def write_log(directory: str) -> None:
    """20 layers of 28×28×64 × 4 examples at 50 steps: 200 MB."""
    values = np.maximum(np.random.default_rng(0).normal(size=SHAPE), 0).astype(np.float32)
    blobs = record.encode(values)
    with EventWriter(directory) as writer:
        for step in range(STEPS):
            for order in range(LAYERS):
                meta = metadata.summary_metadata(order=order)
                writer.write(activation_event(f"layer{order}", blobs, step, time.time(), meta))


def _routes(requests: int) -> harness.Section:
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        write_log(directory)
        with tensorboard_server(directory) as server:
            server.wait_for_tags(f"layer{LAYERS - 1}")
            server.wait_for(
                lambda: len(server.plugin("steps", run=".", tag="layer0").json()["steps"]) == STEPS
            )
            for name, path in _paths().items():
                rows.append([name, *_under_load(server.url + PLUGIN, path, requests)])
    return harness.Section(
        "The server",
        f"{LAYERS} layers of 28×28×64 × {SHAPE[0]} examples at {STEPS} steps, the Python loader, "
        f"{requests} requests a measurement from clients on the same machine, each on a "
        "connection of its own (TensorBoard closes it after each answer). TensorBoard's own "
        "`data/environment` is the floor.",
        ["route", *(f"{n} clients: req/s, p50, p99 ms" for n in CLIENTS)],
        rows,
    )


def _paths() -> dict[str, Callable[[int], str]]:
    """Route → the i-th request's path, relative to the plugin's routes."""

    def tensor(i: int) -> str:
        return f"tensor?run=.&tag=layer{i % LAYERS}&step={i * 7 % STEPS}&example={i % 4}"

    return {
        "`data/environment`": lambda i: "../../environment",
        "`/tags`": lambda i: "tags",
        "`/steps`": lambda i: f"steps?run=.&tag=layer{i % LAYERS}",
        "`/tensor`, one example": tensor,
        "`/tensor`, one channel": lambda i: tensor(i) + "&channels=3:4",
        "`/stats`, all steps": lambda i: f"stats?run=.&tag=layer{i % LAYERS}",
        "`/overview`": lambda i: "overview?run=.",
    }


def _under_load(base: str, path: Callable[[int], str], requests: int) -> list[str]:
    return [_figures(*_load(base, path, requests, clients)) for clients in CLIENTS]


def _load(
    base: str, path: Callable[[int], str], requests: int, clients: int
) -> tuple[list[float], float]:
    """(seconds of each request, seconds of all) from `clients` threads."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    times: list[float] = []
    lock = threading.Lock()

    def client(first: int) -> None:
        for i in range(first, requests, clients):
            start = time.perf_counter()
            with opener.open(urllib.parse.urljoin(base, path(i)), timeout=60) as answer:
                answer.read()
            with lock:
                times.append(time.perf_counter() - start)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == requests, f"{requests - len(times)} requests failed"
    return times, time.perf_counter() - start


def _figures(times: list[float], seconds: float) -> str:
    p50, p99 = np.percentile(times, [50, 99]) * 1000
    return f"{len(times) / seconds:.0f}, {p50:.1f}, {p99:.1f}"


def _added(repeats: int) -> harness.Section:
    """Start-up and memory of TensorBoard alone, and with the plugin, without TensorFlow."""
    with tempfile.TemporaryDirectory() as scratch:
        python = _environment(Path(scratch) / "venv")
        log = Path(scratch) / "log"
        write_log(str(log))
        alone = _started(python, Path(scratch) / "empty", repeats)
        _pip(python, "--no-deps", str(harness.ROOT))
        plugin = _started(python, Path(scratch) / "empty", repeats)
        serving = _started(python, log, 1)
        size = sum(path.stat().st_size for path in log.iterdir()) / 1e6
    rows = [
        ["TensorBoard alone", *_row(alone)],
        ["with the plugin", *_row(plugin)],
        [f"with the plugin, on a log of {size:.0f} MB, after its first view", *_row(serving)],
    ]
    return harness.Section(
        "What the plugin adds to TensorBoard",
        "In an environment without TensorFlow (whose import alone takes seconds and 530 MB). From "
        "the command to the first answer, the median; resident memory of all processes.",
        ["", "start", "memory"],
        rows,
        [
            harness.Target(
                "start-up added",
                plugin[0] - alone[0],
                0.5,
                " s",
                floor=f"0 beside TensorBoard's own {alone[0]:.2f} s",
            ),
            harness.Target(
                "memory added, empty log",
                plugin[1] - alone[1],
                50,
                " MB",
                floor=f"0 beside TensorBoard's own {alone[1]:.0f} MB",
            ),
        ],
    )


def _row(figures: tuple[float, float]) -> list[str]:
    return [f"{figures[0]:.2f} s", f"{figures[1]:.0f} MB"]


def _environment(directory: Path) -> Path:
    """A virtual environment with what the plugin needs, and without TensorFlow."""
    subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
    python = directory / "bin" / "python"
    _pip(python, "tensorboard", "numpy", "pillow", "protobuf", "werkzeug", "google-crc32c", "isal")
    return python


def _pip(python: Path, *what: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *what], check=True)


def _started(python: Path, log: Path, repeats: int) -> tuple[float, float]:
    """(median seconds to the first answer, MB of all processes afterwards)."""
    log.mkdir(exist_ok=True)
    seconds, memory = [], []
    for _ in range(repeats):
        with _running(python, log) as (url, took, process):
            seconds.append(took)
            with urllib.request.urlopen(url + "data/plugins_listing") as answer:
                listed = b'"activations"' in answer.read()
            if listed:
                _view(url)
            memory.append(_resident(process) / 1e6)
    return statistics.median(seconds), statistics.median(memory)


def _view(url: str) -> None:
    """What the dashboard asks for first, where there is something."""
    with urllib.request.urlopen(url + PLUGIN + "tags") as answer:
        if b"layer0" in answer.read():
            for path in ("overview?run=.", "tensor?run=.&tag=layer0&step=49&example=0"):
                urllib.request.urlopen(url + PLUGIN + path).read()


@contextmanager
def _running(python: Path, log: Path) -> Iterator[tuple[str, float, int]]:
    """(address, seconds to the first answer, pid) of TensorBoard under that interpreter."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(python.with_name("tensorboard")), f"--logdir={log}", "--port=0", "--host=127.0.0.1"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if " at http://" in line)
        url = line.split(" at ")[1].split()[0]
        with urllib.request.urlopen(url + "data/environment") as answer:
            answer.read()
        took = time.perf_counter() - start
        threading.Thread(target=process.stderr.read, daemon=True).start()
        time.sleep(3)  # the first reload
        yield url, took, process.pid
    finally:
        process.terminate()
        process.wait()


def _resident(pid: int) -> int:
    """Resident bytes of a process and its descendants."""
    out = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True).stdout
    table = [tuple(map(int, line.split())) for line in out.splitlines()]
    family = {pid}
    for _ in range(4):
        family |= {child for child, parent, _ in table if parent in family}
    return sum(rss for child, _, rss in table if child in family) * 1024


if __name__ == "__main__":
    for part in sections(full=False):
        print(part.markdown())
