"""What every logged step costs: index, memory, time to the first tiles, latency of any step.

    python benchmarks/every_step.py                                   a minute, a few MB
    python benchmarks/every_step.py --parts index --records 1000000 --record-bytes 1000
    python benchmarks/every_step.py --parts memory --records 10000 --record-bytes 1000000

Writes a real log below --scratch, with `--layers` tags, runs the real `tensorboard` on it under
both loaders, prints one table per part and deletes the log. docs/performance.md has the figures.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from servers import Server, tensorboard_server
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2

from tb_activations import events, metadata, record
from tb_activations.blobs import BlobCache
from tb_activations.timeline import RunTimeline
from tb_activations.warn import WarnOnce

PARTS = ("index", "memory", "start", "latency", "overview", "steps")
ROUTE = "data/plugin/activations/"
LAST_TAG = "last"  # a scalar at the end of the log: once TensorBoard lists it, it has read all
DISTINCT = 8  # records that differ; a log repeats them


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
    _read_all(directory)
    busy = time.process_time()
    timeline, seconds = _timed(lambda: _indexed(directory))
    busy = time.process_time() - busy
    print(f"cold:         {seconds:.3f} s, {timeline.records / seconds:,.0f} records a second "
          f"(CPU {busy:.3f} s, {timeline.records / busy:,.0f})")  # fmt: skip
    print(f"index:        {_index_bytes(timeline) / timeline.records:.1f} bytes a record")
    idle = min(_timed(timeline.refresh)[1] for _ in range(5))
    print(f"nothing new:  {1e3 * idle:.3f} ms")
    for count in (1, options.layers):
        took = [_grow_and_refresh(directory, timeline, count, options) for _ in range(5)]
        print(f"{count} new: {1e3 * statistics.median(took):10.3f} ms")
    opened = [
        _timed(lambda i=i: timeline.series("layer0").record(i).blobs([4]))[1]
        for i in random.sample(range(len(timeline.series("layer0").steps)), 5)
    ]
    print(f"one record:   {1e3 * statistics.median(opened):.3f} ms")


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
        for values, shape in ((100_352, (1, 56, 56, 32)), (1_003_520, (4, 56, 56, 80))):
            log = directory / f"{loader}-{values}"
            steps = max(20, options.requests // 4)
            _write_views(log, shape, steps)
            with tensorboard_server(log, load_fast=loader) as server:
                server.wait_for_tags("layer0")
                server.wait_for(lambda n=steps, s=server: len(_steps(s)) == n)
                for clients in (1, 8):
                    _print_latency(server, steps, clients, values, loader, options)
            shutil.rmtree(log)


def bench_overview(directory: Path, options: argparse.Namespace) -> None:
    """`/overview` of 200 layers at 100 steps, gzipped as browsers ask for it."""
    with events.EventWriter(directory) as writer:
        for step in range(100):
            for layer in range(200):
                blobs = record.encode(_features((4, 1, 1, 16), 200 * step + layer)[:, 0, 0])
                of_tag = metadata.summary_metadata(order=layer)
                writer.write(events.activation_event(f"layer{layer}", blobs, step, 1e9, of_tag))
    for loader in options.loaders:
        with tensorboard_server(directory, load_fast=loader) as server:
            server.wait_for_tags(*(f"layer{i}" for i in range(200)), seconds=120)
            server.wait_for(lambda s=server: _complete(s), seconds=60)
            took, bodies = [], []
            for _ in range(10):
                answer, seconds = _timed(lambda s=server: s.plugin(
                    "overview", run=".", headers={"Accept-Encoding": "gzip"}))  # fmt: skip
                took.append(seconds)
                bodies.append(len(answer.body))
            middle, first = 1e3 * statistics.median(took), 1e3 * took[0]
            size = bodies[-1] / 1e3
            print(f"--load_fast={loader}: {size:.0f} KB gzipped, median {middle:.0f} ms, "
                  f"first {first:.0f} ms")  # fmt: skip


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
    with events.EventWriter(directory) as writer:
        for i in range(options.records):
            step, layer = divmod(i, options.layers)
            blobs = made[i % DISTINCT]
            writer.write(
                events.activation_event(f"layer{layer}", blobs, step, 1e9 + step, of_tag[layer])
            )
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
    with events.EventWriter(directory) as writer:
        for step in range(steps):
            writer.write(
                events.activation_event(
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
    tags = [tag for tag in timeline._tags.values() if tag]
    return sum(b.nbytes for tag in tags for part in tag.parts.values() for b in part.rows.blocks)


def _grow_and_refresh(
    directory: Path, timeline: RunTimeline, count: int, options: argparse.Namespace
) -> float:
    [path] = directory.iterdir()
    blobs = _record_of(min(options.record_bytes, 100_000), 0)
    step = int(timeline.series("layer0").steps[-1]) + 1
    with open(path, "ab") as file:
        for layer in range(count):
            file.write(events.frame(events.activation_event(
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


def _print_latency(
    server: Server, steps: int, clients: int, values: int, loader: str, options: argparse.Namespace
) -> None:
    begun = time.monotonic()
    took = _latencies(server, steps, clients, options.requests)
    elapsed = time.monotonic() - begun
    p50, p99 = np.percentile(took, [50, 99])
    print(f"{loader:5} {values:14,} {clients:9} {p50:8.1f} {p99:8.1f} {p99 / p50:9.1f} "
          f"{len(took) / elapsed:12.0f}", flush=True)  # fmt: skip


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
