"""What every logged step costs: index, memory, time to the first tiles, latency of any step.

    python -m benchmarks.every_step                                   a minute, a few MB
    python -m benchmarks.every_step --parts index --records 1000000 --record-bytes 1000
    python -m benchmarks.every_step --parts memory --records 10000 --record-bytes 1000000

Writes a real log below --scratch, with `--layers` tags, runs the real `tensorboard` on it under
both loaders, prints one table per part and deletes the log. docs/performance.md has the figures.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import statistics
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from servers import Server, tensorboard_server
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2

from benchmarks.harness import Section, Target
from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.frame import frame
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import Blob, metadata
from tb_activations.sources.timeline.blobs import BlobCache
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.warn import WarnOnce

PARTS = ("index", "memory", "start", "latency", "overview", "steps")
ROUTE = "data/plugin/activations/"
LAST_TAG = "last"  # a scalar at the end of the log: once TensorBoard lists it, it has read all
DISTINCT = 8  # records that differ; a log repeats them
VIEWS = {100_352: (1, 56, 56, 32), 1_003_520: (4, 56, 56, 80)}  # values → shape


def sections(full: bool) -> list[Section]:
    """The short version of all parts but memory and start, for `python -m benchmarks`."""
    requests = 400 if full else 100
    loaders = ("true", "false") if full else ("false",)
    with tempfile.TemporaryDirectory(prefix="tba-bench-") as scratch:
        return [
            _index_section(Path(scratch, "index"), 1_000_000 if full else 100_000),
            _views_section(Path(scratch), loaders, requests),
        ]


def _index_section(directory: Path, records: int) -> Section:
    options = argparse.Namespace(records=records, record_bytes=1000, layers=100)
    write_log(directory, options)
    found = _index(directory, options)
    shutil.rmtree(directory)
    return Section(
        "Every step: the index",
        f"{records:,} records of 1 KB of 100 layers in one event file, in the page cache. Without "
        "the index TensorBoard keeps ten steps of a tag; memory at 10 GB and at a million records "
        "is in [performance.md](performance.md).",
        ["", "figure"],
        [
            ["a first index", f"{found['seconds']:.2f} s"],
            ["a refresh: nothing new", f"{found['idle']:.3f} ms"],
            ["a refresh: one new record", f"{found['one']:.3f} ms"],
            ["a refresh: one of each layer", f"{found['each']:.3f} ms"],
            ["any one record, read and checked", f"{found['open']:.3f} ms"],
        ],
        [
            Target("records indexed a second", found["rate"], 50_000, at_least=True,
                   floor=f"{found['floor_rate']:,.0f}: one read of each record and nothing else"),
            Target("a refresh, one new record of each layer", found["each"], 10, " ms",
                   floor=f"{found['idle']:.3f} ms: asking for the file's size"),
            Target("bytes of index a record", found["bytes"], 96, " B",
                   floor="52 B: step, time, offset, length, five numbers"),
        ],
    )  # fmt: skip


def _views_section(scratch: Path, loaders: Sequence[str], requests: int) -> Section:
    rows, targets = [], []
    for loader in loaders:
        for values, shape in VIEWS.items():
            name = f"{loader}, {values:,}"
            body = 2 * values
            for clients, took, seconds in _view_latencies(
                scratch / "views", loader, shape, requests
            ):
                p50, p99 = np.percentile(took, [50, 99])
                rows.append([loader, f"{values:,}", f"{clients}", f"{p50:.1f} ms",
                             f"{p99:.1f} ms", f"{len(took) / seconds:.0f}"])  # fmt: skip
                if clients == 1:
                    floor = f"{_copying(body):.2f} ms: sending {body / 1e6:.1f} MB over loopback"
                    limit = 10 if values < 500_000 else 40
                    targets.append(Target(f"p50, {name} values", p50, limit, " ms", floor=floor))
                else:
                    targets.append(Target(f"p99 ÷ p50, 8 clients, {name} values", p99 / p50, 3,
                                          floor="1, no request waits for another"))  # fmt: skip
    _write_overview(scratch / "overview")
    for loader in loaders:
        size, took = _overview(scratch / "overview", loader)
        rows.append([loader, "`/overview`, 200 layers × 100 steps", "1",
                     f"{statistics.median(took):.0f} ms", f"{max(took):.0f} ms", ""])  # fmt: skip
        targets.append(Target(f"/overview, {loader}, gzipped", size / 1e3, 300, " KB",
                              floor="100,000 numbers"))  # fmt: skip
    return Section(
        "Every step: any view",
        "`/tensor` of random steps of a float16 layer, a connection each, over loopback "
        f"({requests} requests a row); `--load_fast` is the loader. Through TensorBoard's own data "
        "provider the Rust server takes 44 ms a page.",
        ["load_fast", "values", "clients", "p50", "p99", "a second"],
        rows,
        targets,
    )


def _copying(size: int) -> float:
    """Milliseconds to send that many bytes from one thread to another over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        body = bytes(size)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(body)

        threading.Thread(target=serve, daemon=True).start()
        with socket.create_connection(server.getsockname()) as client:
            begun = time.perf_counter()
            while client.recv(1 << 20):
                pass
            return 1e3 * (time.perf_counter() - begun)


def main() -> None:
    options = _options()
    scratch = Path(tempfile.mkdtemp(prefix="tba-bench-", dir=options.scratch))
    try:
        for part in options.parts:
            print(f"\n## {part}\n", flush=True)
            with _directory(scratch / part) as directory:
                globals()[f"bench_{part}"](directory, options)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def bench_index(directory: Path, options: argparse.Namespace) -> None:
    """A first index of the whole log, then refreshes after it grew by a little; cache warm."""
    size = write_log(directory, options)
    print(f"{options.records:,} records, {size / 1e9:.2f} GB, {options.layers} layers")
    found = _index(directory, options)
    print(f"cold:         {found['seconds']:.3f} s, {found['rate']:,.0f} records a second "
          f"(CPU {found['cpu']:.3f} s, {found['cpu_rate']:,.0f})")  # fmt: skip
    print(f"one read each: {found['floor_rate']:,.0f} records a second")
    print(f"index:        {found['bytes']:.1f} bytes a record")
    print(f"nothing new:  {found['idle']:.3f} ms")
    print(f"1 new:        {found['one']:.3f} ms")
    print(f"{options.layers} new:     {found['each']:.3f} ms")
    print(f"one record:   {found['open']:.3f} ms")


def _index(directory: Path, options: argparse.Namespace) -> dict[str, float]:
    """Seconds of a first index, records a second, bytes a record; refreshes in milliseconds.

    `floor_rate` is what reading the first kilobyte of each record takes, and nothing else.
    """
    _read_all(directory)
    busy = time.process_time()
    timeline, seconds = _timed(lambda: _indexed(directory))
    busy = time.process_time() - busy
    records = timeline.records
    opened = [
        _timed(lambda i=i: timeline.series("layer0").record(i).blobs([Blob.FIRST_PAGE]))[1]
        for i in random.sample(range(len(timeline.series("layer0").steps)), 5)
    ]
    found = {
        "seconds": seconds,
        "rate": records / seconds,
        "cpu": busy,
        "cpu_rate": records / busy,
        "floor_rate": records / _timed(lambda: _read_first_bytes(directory))[1],
        "bytes": _index_bytes(timeline) / records,
        "idle": 1e3 * min(_timed(timeline.refresh)[1] for _ in range(5)),
        "open": 1e3 * statistics.median(opened),
    }
    for name, count in (("one", 1), ("each", options.layers)):
        took = [_grow_and_refresh(directory, timeline, count, options) for _ in range(5)]
        found[name] = 1e3 * statistics.median(took)
    return found


def _read_first_bytes(directory: Path) -> None:
    """Hops over every record as an index must, reads its first kilobyte and drops it."""
    for path in directory.iterdir():
        with open(path, "rb", buffering=0) as file:
            position, end = 0, path.stat().st_size
            while position < end:
                first = os.pread(file.fileno(), 1024, position)
                position += 16 + int.from_bytes(first[:8], "little")


def bench_memory(directory: Path, options: argparse.Namespace) -> None:
    """Resident memory of all of TensorBoard's processes beyond an empty log's."""
    size = write_log(directory / "log", options)
    empty = directory / "empty"
    write_log(empty, argparse.Namespace(**{**vars(options), "records": 0}))
    print(f"{options.records:,} records, {size / 1e9:.2f} GB, {options.layers} layers; MB beyond")
    print(f"an empty log after reading all, /steps, /overview and {options.views} views (peak)\n")
    for loader in options.loaders:
        base = _memory(empty, loader, [], options)
        print(f"--load_fast={loader}: empty {base[0]:.0f} MB")
        for name, keeps in (("this plugin", None), ("default ten", 10), ("all", 0)):
            if name not in options.retain:
                continue
            extra = [] if keeps is None else [f"--samples_per_plugin=activations={keeps}"]
            (now, peak), seconds = _timed(lambda e=extra, at=loader: _memory(
                directory / "log", at, e, options))  # fmt: skip
            print(f"  {name:12} {now - base[0]:8.0f} ({peak - base[1]:.0f})   {seconds:.0f} s",
                  flush=True)  # fmt: skip


def bench_start(directory: Path, options: argparse.Namespace) -> None:
    """From starting the command until values of the first layer's last step have arrived."""
    size = write_log(directory / "log", options)
    (directory / "empty").mkdir()
    print(f"{options.records:,} records, {size / 1e9:.2f} GB; seconds from start of the command")
    for loader in options.loaders:
        begun = time.monotonic()
        with tensorboard_server(directory / "empty", load_fast=loader):
            answers = time.monotonic() - begun
        begun = time.monotonic()
        with tensorboard_server(directory / "log", load_fast=loader) as server:
            server.wait_for_tags("layer0", seconds=600)
            listed = server.wait_for(lambda: _steps(server), seconds=600)
            assert server.plugin("tensor", run=".", tag="layer0", step=listed[-1], example=0).body
            tiles = time.monotonic() - begun
            complete = server.wait_for(lambda: _complete(server), seconds=600)
            done = time.monotonic() - begun
        assert complete
        print(f"--load_fast={loader}: TensorBoard answers (empty log) {answers:.2f}, "
              f"first tiles {tiles:.2f}, all steps listed {done:.2f}")  # fmt: skip


def bench_latency(directory: Path, options: argparse.Namespace) -> None:
    """`/tensor` of random steps: one client after another's answer, and 8 at once."""
    print("ms            values   clients      p50      p99   p99/p50   per second")
    for loader in options.loaders:
        for values, shape in VIEWS.items():
            log = directory / f"{loader}-{values}"
            for clients, took, elapsed in _view_latencies(log, loader, shape, options.requests):
                p50, p99 = np.percentile(took, [50, 99])
                print(f"{loader:5} {values:14,} {clients:9} {p50:8.1f} {p99:8.1f} {p99 / p50:9.1f} "
                      f"{len(took) / elapsed:12.0f}", flush=True)  # fmt: skip


def _view_latencies(
    log: Path, loader: str, shape: tuple[int, ...], requests: int
) -> Iterator[tuple[int, list[float], float]]:
    """(clients, milliseconds of each request, seconds of all) for 1 and 8 clients."""
    steps = max(20, requests // 4)
    _write_views(log, shape, steps)
    with tensorboard_server(log, load_fast=loader) as server:
        server.wait_for_tags("layer0")
        server.wait_for(lambda: len(_steps(server)) == steps)
        _latencies(server, steps, 1, steps)
        for clients in (1, 8):
            took, elapsed = _timed(lambda n=clients: _latencies(server, steps, n, requests))
            yield clients, took, elapsed
    shutil.rmtree(log)


def bench_overview(directory: Path, options: argparse.Namespace) -> None:
    """`/overview` of 200 layers at 100 steps, gzipped as browsers ask for it."""
    _write_overview(directory)
    for loader in options.loaders:
        size, took = _overview(directory, loader)
        middle, first = statistics.median(took), took[0]
        print(f"--load_fast={loader}: {size / 1e3:.0f} KB gzipped, median {middle:.0f} ms, "
              f"first {first:.0f} ms")  # fmt: skip


def _write_overview(directory: Path) -> None:
    with EventWriter(directory) as writer:
        for step in range(100):
            for layer in range(200):
                blobs = record.encode(_features((4, 1, 1, 16), 200 * step + layer)[:, 0, 0])
                of_tag = metadata.summary_metadata(order=layer)
                writer.write(activation_event(f"layer{layer}", blobs, step, 1e9, of_tag))


def _overview(directory: Path, loader: str) -> tuple[int, list[float]]:
    """(bytes as they travel, milliseconds of ten requests)."""
    took = []
    with tensorboard_server(directory, load_fast=loader) as server:
        server.wait_for_tags(*(f"layer{i}" for i in range(200)), seconds=120)
        server.wait_for(lambda: _complete(server), seconds=60)
        for _ in range(10):
            answer, seconds = _timed(lambda: server.plugin(
                "overview", run=".", headers={"Accept-Encoding": "gzip"}))  # fmt: skip
            took.append(1e3 * seconds)
    return len(answer.body), took


def bench_steps(directory: Path, options: argparse.Namespace) -> None:
    """`/steps` of a layer with 1,000 steps."""
    small = argparse.Namespace(**{**vars(options), "layers": 5, "records": 5000,
                                  "record_bytes": 1000})  # fmt: skip
    write_log(directory, small)
    for loader in options.loaders:
        with tensorboard_server(directory, load_fast=loader) as server:
            server.wait_for_tags("layer4")
            server.wait_for(lambda s=server: _complete(s))
            listed, seconds = _timed(lambda s=server: _steps(s))
            print(f"--load_fast={loader}: {len(listed)} steps in {1e3 * seconds:.0f} ms")


def write_log(directory: Path, options: argparse.Namespace) -> int:
    """`options.records` records of about `record_bytes`, in layer0, layer1, …; their bytes."""
    made = [_record_of(options.record_bytes, seed) for seed in range(DISTINCT)]
    of_tag = [metadata.summary_metadata(order=i) for i in range(options.layers)]
    with EventWriter(directory) as writer:
        for i in range(options.records):
            step, layer = divmod(i, options.layers)
            blobs = made[i % DISTINCT]
            writer.write(activation_event(f"layer{layer}", blobs, step, 1e9 + step, of_tag[layer]))
        writer.write(_scalar(LAST_TAG))
        return writer.path.stat().st_size


def _record_of(size: int, seed: int) -> list[bytes]:
    """The blobs of a ReLU layer's record of about `size` bytes, statistics and all."""
    if size < 20_000:
        return record.encode(_features((4, 1, 1, max(1, (size - 500) // 32)), seed)[:, 0, 0])
    channels = 16
    sample = sum(map(len, record.encode(_features((4, 28, 28, channels), seed))))
    return record.encode(_features((4, 28, 28, max(1, size * channels // sample)), seed))


def _features(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Noise made smooth along both axes, half of it cut off as a ReLU does."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=shape).astype(np.float32)
    for axis in (1, 2):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, 2, axis)
    return np.maximum(noise, 0)


def _write_views(directory: Path, shape: tuple[int, ...], steps: int) -> None:
    made = [record.encode(_features(shape, seed)) for seed in range(DISTINCT)]
    with EventWriter(directory) as writer:
        for step in range(steps):
            writer.write(
                activation_event(
                    "layer0", made[step % DISTINCT], step, 1e9 + step, metadata.summary_metadata()
                )
            )


def _scalar(tag: str) -> event_pb2.Event:
    of_tag = summary_pb2.SummaryMetadata(data_class=summary_pb2.DATA_CLASS_SCALAR)
    of_tag.plugin_data.plugin_name = "scalars"
    one = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1.0])
    value = summary_pb2.Summary.Value(tag=tag, metadata=of_tag, tensor=one)
    return event_pb2.Event(step=0, wall_time=2e9, summary=summary_pb2.Summary(value=[value]))


def _indexed(directory: Path) -> RunTimeline:
    timeline = RunTimeline(str(directory), BlobCache(), WarnOnce())
    timeline.refresh()
    return timeline


def _index_bytes(timeline: RunTimeline) -> int:
    """What the arrays of the index take, room for growth included."""
    tags = [tag for tag in timeline._index.tags.values() if tag]
    return sum(b.nbytes for tag in tags for part in tag.parts.values() for b in part.rows.blocks)


def _grow_and_refresh(
    directory: Path, timeline: RunTimeline, count: int, options: argparse.Namespace
) -> float:
    [path] = directory.iterdir()
    blobs = _record_of(min(options.record_bytes, 100_000), 0)
    series = timeline.series("layer0")
    assert series is not None
    step = int(series.steps[-1]) + 1
    with open(path, "ab") as file:
        for layer in range(count):
            file.write(frame(activation_event(
                f"layer{layer}", blobs, step, 3e9, metadata.summary_metadata())))  # fmt: skip
    before = timeline.records
    _, seconds = _timed(timeline.refresh)
    assert timeline.records == before + count
    return seconds


def _memory(
    logdir: Path, loader: str, extra: list[str], options: argparse.Namespace
) -> tuple[float, float]:
    """(resident, peak) MB of TensorBoard's processes after it read all and was looked at."""
    with tensorboard_server(logdir, load_fast=loader, extra=extra) as server:

        def read_all() -> bool:
            scalars = server.json("data/plugin/scalars/tags")
            return LAST_TAG in scalars.get(".", {})

        server.wait_for(read_all, seconds=3600)
        if ROUTE and server.json(ROUTE + "tags"):
            server.wait_for(lambda: _complete(server), seconds=600)
            steps = _steps(server)
            for _ in range(options.views):
                tag = f"layer{random.randrange(options.layers)}"
                step = random.choice(steps)
                assert server.plugin("tensor", run=".", tag=tag, step=step, example=0)
        return _resident(server.process.pid)


def _resident(pid: int) -> tuple[float, float]:
    """(VmRSS, VmHWM) in MB of a process and its children."""
    now, peak = 0.0, 0.0
    for process in [pid, *_children(pid)]:
        status = Path(f"/proc/{process}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        now += int(fields["VmRSS"].split()[0]) / 1024
        peak += int(fields["VmHWM"].split()[0]) / 1024
    return now, peak


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _latencies(server: Server, steps: int, clients: int, requests: int) -> list[float]:
    """Milliseconds of each of `requests` requests for random steps, by so many clients at once."""
    where = urllib.parse.urlsplit(server.url)
    took: list[float] = []

    def client(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(requests // clients):
            query = f"run=.&tag=layer0&step={rng.randrange(steps)}"
            begun = time.perf_counter()
            connection = http.client.HTTPConnection(where.netloc, timeout=60)
            connection.request("GET", f"/{ROUTE}tensor?{query}")
            answer = connection.getresponse()
            body = answer.read()
            took.append(1e3 * (time.perf_counter() - begun))
            connection.close()
            assert answer.status == 200 and body

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def _steps(server: Server) -> list[int]:
    answer = server.json(ROUTE + "steps", run=".", tag="layer0")
    return [entry["step"] for entry in answer["steps"]]


def _complete(server: Server) -> bool:
    """Whether the index is, which `/overview` says of the whole run."""
    return server.json(ROUTE + "overview", run=".")["complete"]


def _read_all(directory: Path) -> None:
    for path in directory.iterdir():
        with open(path, "rb") as file:
            while file.read(16 << 20):
                pass


def _timed(call: Callable) -> tuple:
    begun = time.perf_counter()
    found = call()
    return found, time.perf_counter() - begun


@contextlib.contextmanager
def _directory(path: Path) -> Iterator[Path]:
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--record-bytes", type=int, default=10_000)
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument(
        "--loaders", nargs="+", choices=("true", "false"), default=("true", "false")
    )
    parser.add_argument("--retain", nargs="+", default=("this plugin", "default ten", "all"),
                        choices=("this plugin", "default ten", "all"))  # fmt: skip
    parser.add_argument("--requests", type=int, default=200, help="of each latency")
    parser.add_argument("--views", type=int, default=50, help="before memory is measured")
    parser.add_argument("--scratch", default=tempfile.gettempdir())
    options = parser.parse_args()
    print(json.dumps({k: v for k, v in vars(options).items() if k != "scratch"}))
    return options


if __name__ == "__main__":
    main()
