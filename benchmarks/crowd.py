"""`/tensor` beside an earlier version of this code, and 64 clients beside other tabs.

The earlier version is that of the commit `BEFORE`, the last one whose pages were inflated by Pillow
and zlib, or of the environment variable TBA_BENCH_BEFORE; both serve the same log, in turns. The
crowd asks for values for half a minute while a writer adds steps; who asks TensorBoard itself for
its runs meanwhile waits no longer than beside a crowd that asks it for `data/environment`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from servers import PLUGIN, WITHOUT_TENSORFLOW, Server, tensorboard_server

from benchmarks import harness
from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import Blob, deflate, metadata, png

BEFORE = "1aa78b816e076a464987e0aa85ffd64637271066"
SHAPE = (4, 56, 56, 80)  # a million values
STEPS = 40
CROWD = 64
OTHER = "data/runs"
MAX_P99 = 0.3  # seconds

Request = Callable[[int], str]


def sections(full: bool) -> list[harness.Section]:
    with tempfile.TemporaryDirectory(prefix="tba-crowd-") as scratch:
        log = Path(scratch, "log")
        blobs = _write(log, STEPS)
        earlier = _tree(Path(scratch, "earlier"))
        requests = 200 if full else 60
        trees = {"now": harness.ROOT, **({"before": earlier} if earlier else {})}
        served = _served(log, trees, requests)
        crowds = _crowds(log, blobs, 30.0 if full else 12.0)
    return [_of_tensor(served, _inflating(blobs)), _of_crowd(crowds)]


def _write(log: Path, steps: int) -> list[bytes]:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=SHAPE).astype(np.float32)
    smooth = sum(np.roll(noise, i, axis) for axis in (1, 2) for i in range(3))
    blobs = record.encode(np.maximum(smooth, 0))
    with EventWriter(log) as writer:
        for step in range(steps):
            writer.write(_event(blobs, step))
    return blobs


def _event(blobs: list[bytes], step: int) -> bytes:
    return activation_event("layer", blobs, step, 1e9 + step, metadata.summary_metadata(order=0))


def _tree(directory: Path) -> Path | None:
    """The package as it was at the earlier commit; None where the repository does not have it."""
    commit = os.environ.get("TBA_BENCH_BEFORE", BEFORE)
    command = ["git", "-C", str(harness.ROOT), "archive", commit, "tb_activations"]
    packed = subprocess.run(command, capture_output=True)
    if packed.returncode:
        return None
    directory.mkdir()
    subprocess.run(["tar", "-x", "-C", str(directory)], input=packed.stdout, check=True)
    return directory


def _served(log: Path, trees: dict[str, Path], requests: int) -> dict[str, dict[str, list[float]]]:
    """Version → seconds of each request, and CPU seconds of the server for each, in turns."""
    found: dict[str, dict[str, list[float]]] = {name: {"wall": [], "cpu": []} for name in trees}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_server(log, tree)) for name, tree in trees.items()}
        for server in servers.values():
            server.wait_for(lambda at=server: _steps(at) == STEPS)
            for step in range(STEPS):
                _ask(server.url + PLUGIN + _tensor(step))
        for turn in range(requests // 10):
            for name, server in servers.items():
                before = _cpu(server.process.pid)
                for i in range(10):
                    url = server.url + PLUGIN + _tensor((turn * 10 + i) * 7 % STEPS)
                    found[name]["wall"].append(_ask(url))
                found[name]["cpu"].append((_cpu(server.process.pid) - before) / 10)
    return found


@contextmanager
def _server(log: Path, tree: Path) -> Iterator[Server]:
    paths = os.pathsep.join([str(WITHOUT_TENSORFLOW), str(tree)])
    with tensorboard_server(log, prefix=["env", f"PYTHONPATH={paths}"]) as server:
        server.wait_for_tags("layer")
        yield server


def _steps(server: Server) -> int:
    return len(server.plugin("steps", run=".", tag="layer").json()["steps"])


def _tensor(step: int) -> str:
    return "tensor?" + urllib.parse.urlencode({"run": ".", "tag": "layer", "step": step})


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _ask(url: str) -> float:
    begun = time.perf_counter()
    with _opener.open(url, timeout=120) as answer:
        answer.read()
    return time.perf_counter() - begun


def _cpu(pid: int) -> float:
    """Seconds of CPU of a process so far; off Linux there is no such file."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _inflating(blobs: list[bytes]) -> float:
    """CPU seconds of inflating the record's pages, and nothing else: the least of some rounds."""
    pages = [
        b"".join(data for kind, data in png._chunks(page) if kind == b"IDAT")
        for page in blobs[Blob.FIRST_PAGE :]
    ]
    sizes = [len(zlib.decompress(page)) for page in pages]

    def once() -> float:
        begun = time.process_time()
        for _ in range(10):
            for page, size in zip(pages, sizes, strict=True):
                deflate.inflate(page, size)
        return (time.process_time() - begun) / 10

    return min(once() for _ in range(5))


def _crowds(log: Path, blobs: list[bytes], seconds: float) -> dict[str, dict[str, Any]]:
    """What the crowd asks for → p50 and p99 of others' requests, and its own requests a second."""
    asked: dict[str, Request] = {
        "`data/environment`": lambda i: "data/environment",
        "`/tensor`, one example": lambda i: f"{PLUGIN}{_tensor(i * 7 % STEPS)}&example={i % 4}",
    }
    found = {}
    for name, path in asked.items():
        with _server(log, harness.ROOT) as server, _adding(log, blobs):
            found[name] = _crowded(server.url, path, seconds)
    return found


@contextmanager
def _adding(log: Path, blobs: list[bytes]) -> Iterator[None]:
    """A writer that adds five steps a second, in a file of its own, which is taken away again."""
    done = threading.Event()

    def write() -> None:
        with EventWriter(log, ".more") as writer:
            for step in range(STEPS, 1 << 30):
                if done.wait(0.2):
                    break
                writer.write(_event(blobs, step))
        writer.path.unlink()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _crowded(url: str, path: Request, seconds: float) -> dict[str, Any]:
    """What others wait beside the crowd, one request after another."""
    end, counts, failed = time.monotonic() + seconds, [0] * CROWD, []

    def client(first: int) -> None:
        i = first
        try:
            while time.monotonic() < end:
                _ask(url + path(i))
                i += CROWD
                counts[first] += 1
        except OSError as e:
            failed.append(e)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(CROWD)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    waits = []
    while time.monotonic() < end:
        waits.append(_ask(url + OTHER))
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} of {CROWD} clients failed, the first: {failed[0]!r}")
    return {"waits": waits, "rate": sum(counts) / seconds}


def _of_tensor(served: dict[str, dict[str, list[float]]], inflating: float) -> harness.Section:
    p50 = {name: harness.median(one["wall"]) for name, one in served.items()}
    cpu = {name: harness.median(one["cpu"]) for name, one in served.items()}
    floor = f"1: inflating its pages, {1e3 * inflating:.1f} ms"
    targets = [harness.Target("server's CPU ÷ inflating", cpu["now"] / inflating, 2.5, floor=floor)]
    if "before" in p50:
        ratio = p50["now"] / p50["before"]
        targets.insert(0, harness.Target("p50 ÷ the earlier version's", ratio, 0.5, floor="0"))
    rows = [
        [
            {"now": "this version", "before": "the earlier one"}[name],
            *(f"{1e3 * value:.1f} ms" for value in np.percentile(one["wall"], [50, 95])),
            f"{1e3 * cpu[name]:.1f} ms",
            f"{cpu[name] / inflating:.2f}",
        ]
        for name, one in served.items()
    ]
    return harness.Section(
        "A million values over HTTP",
        f"`/tensor` of one step of {SHAPE[1]}×{SHAPE[2]}×{SHAPE[3]} × {SHAPE[0]} examples, "
        "float16, one request after another, ten by ten from the server of this version and from "
        "that of the last one without ISA-L. CPU: of the whole server, in ticks of 10 ms.",
        ["", "p50", "p95", "server's CPU a request", "÷ inflating the same pages"],
        rows,
        targets,
    )


def _of_crowd(crowds: dict[str, dict[str, Any]]) -> harness.Section:
    p99 = {name: float(np.percentile(one["waits"], 99)) for name, one in crowds.items()}
    bare, ours = p99
    rows = [
        [
            name,
            f"{one['rate']:.0f}",
            *(f"{1e3 * wait:.0f} ms" for wait in np.percentile(one["waits"], [50, 99])),
        ]
        for name, one in crowds.items()
    ]
    return harness.Section(
        "A crowd, and another tab",
        f"{CROWD} clients on the same machine ask for one thing, without a pause, while a writer "
        f"adds five steps a second; another one asks TensorBoard for `{OTHER}` meanwhile.",
        ["the crowd asks for", "a second", "the other waits, p50", "p99"],
        rows,
        [
            harness.Target(
                "others' p99 (0.3 s, or half of what `data/environment` costs them)",
                p99[ours],
                max(MAX_P99, p99[bare] / 2),
                " s",
                floor="0: an idle server",
            )
        ],
    )


if __name__ == "__main__":
    for part in sections(full=False):
        print(part.markdown())
