"""What is asked of a run that is long, or grows: packed steps, few statistics, what is new."""

from __future__ import annotations

import gzip
import itertools
import json
import time
from collections.abc import Iterator

import numpy as np
import pytest
from logs import event, layer, write_long_run, write_run
from server.test_reader import VIEWER, python_provider
from servers import Server, tensorboard_server

from tb_activations.eventfile.writer import EventWriter
from tb_activations.server.lookup import WATCHED_SECONDS, Lookup
from tb_activations.server.reader import Reader
from tb_activations.sources.logdirs import LogDirs
from tb_activations.sources.provider import ProviderSource
from tb_activations.sources.series import Where
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.timeline.timelines import Timelines
from tb_activations.sources.warn import WarnOnce

STEPS = 100_000


def unpacked(answer: dict) -> list[dict]:
    """The entries of `/steps` that a packed answer stands for; wall times in ms."""
    steps = itertools.accumulate(answer["step"])
    times = itertools.accumulate(answer["time"])
    runs = zip(answer["kind"][::2], answer["kind"][1::2], strict=True)
    kinds = [answer["kinds"][kind] for kind, length in runs for _ in range(length)]
    return [
        {"step": step, "wall_time": time, **kind}
        for step, time, kind in zip(steps, times, kinds, strict=True)
    ]


def rounded(entries: list[dict]) -> list[dict]:
    return [{**entry, "wall_time": round(entry["wall_time"] * 1000)} for entry in entries]


@pytest.fixture(scope="module")
def changing(tmp_path_factory):
    """Forty steps whose shape, scale, examples and labels change on the way, in two files."""
    root = tmp_path_factory.mktemp("changing")
    for part in range(2):
        with EventWriter(root / "run", ".activations") as writer:
            for step in range(20 * part, 20 * part + 20):
                array = layer((4, 3, 3, 2 + step // 16), step) * 1000.0 ** (step % 3)
                labels = [f"{step // 7}", "b", "c", "d"] if step % 5 else None
                writer.write(event("conv", step, array, wall_time=1e9 + step / 7, labels=labels))
        time.sleep(1.1)  # the files' names say the second
    return root


@pytest.mark.parametrize("load_fast", ["false", "true"])
def test_packed_steps_say_what_plain_ones_say(changing, tensorboard_server, load_fast):
    """Every field of every step, wall times to the millisecond, from any position on."""
    server = tensorboard_server(changing, load_fast=load_fast)
    server.wait_for_tags("conv", run="run")
    query = {"run": "run", "tag": "conv"}

    def whole() -> dict | None:
        answer = server.json("data/plugin/activations/steps", **query)
        return answer if len(answer["steps"]) == 40 else None

    plain = server.wait_for(whole)
    for since, most in ((0, 40), (1, 40), (17, 5), (39, 1), (40, 3), (3, 0)):
        part = {**({"since": since} if since else {}), **({"most": most} if most < 40 else {})}
        found = server.json("data/plugin/activations/steps", form="packed", **part, **query)
        assert unpacked(found) == rounded(plain["steps"][since : since + most])
        assert (found["count"], found["since"]) == (40, since)
        for field in ("complete", "sampled", "source", "stats"):
            assert found[field] == plain[field]


def test_a_log_read_through_tensorboard_is_packed_as_well(changing):
    """The provider's records are alike where their headers are."""
    with python_provider(changing, 0) as kept:
        found = Reader(Lookup(ProviderSource(kept, 0)))
        where = Where("run", "conv")
        plain = list(found.steps(VIEWER, where).entries)
        columns = found.packed(VIEWER, where, 3).columns
        kinds = [columns.kinds[number] for number in columns.numbers]
        assert [(kind.header, kind.labels) for kind in kinds] == [
            (entry.header, entry.labels) for entry in plain[3:]
        ]
        assert len(columns.kinds) < len(kinds)
        latest = found.latest(VIEWER, where)
        assert (latest.source, latest.count, latest.step) == ("tensorboard", 40, 39)


@pytest.fixture(scope="module")
def long_run(tmp_path_factory) -> Iterator[tuple[Server, np.ndarray]]:
    """TensorBoard on one layer at a hundred thousand steps, and their wall times."""
    directory = tmp_path_factory.mktemp("long")
    values = {"conv": layer((2, 4, 4, 3))}
    times = write_long_run(directory / "run", values, STEPS, labels=["a", "b"])
    with tensorboard_server(directory, load_fast="true") as server:
        server.wait_for_tags("conv", run="run")
        server.wait_for(lambda: latest(server)["complete"])
        yield server, times


def latest(server: Server) -> dict:
    return server.json("data/plugin/activations/latest", run="run", tag="conv")


def test_a_hundred_thousand_steps_are_few_bytes_on_the_wire(long_run):
    """At most 300 kB, gzipped as TensorBoard does; every step and time is there."""
    server, times = long_run
    answer = server.plugin(
        "steps", run="run", tag="conv", form="packed", headers={"Accept-Encoding": "gzip"}
    )
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) <= 300_000
    found = json.loads(gzip.decompress(answer.body))
    assert list(itertools.accumulate(found["step"])) == list(range(STEPS))
    written = np.rint(times * 1000)
    assert list(itertools.accumulate(found["time"])) == written.astype(np.int64).tolist()
    assert found["kind"] == [0, STEPS - 64, 1, 64]
    assert [kind["shape"] for kind in found["kinds"]] == [[2, 4, 4, 3]] * 2
    assert ["labels" in kind for kind in found["kinds"]] == [False, True]


def test_labels_are_said_of_a_thousand_steps_at_once(long_run):
    """Of any thousand they are there, of one more those of the last steps alone."""
    server, _ = long_run
    query = {"run": "run", "tag": "conv", "form": "packed", "since": 500}
    for most, said in ((1000, [1000]), (1001, [937, 64])):
        found = server.json("data/plugin/activations/steps", most=most, **query)
        assert found["kind"][1::2] == said
        labels = [kind.get("labels") for kind in found["kinds"]]
        assert labels == [None, ["a", "b"]][-len(said) :]


def test_few_statistics_of_many_steps(long_run):
    """`rows` picks evenly, the first and the last among them, in the order of the steps."""
    server, _ = long_run
    rows = 7
    answer = server.plugin("stats", run="run", tag="conv", rows=rows)
    tables = np.frombuffer(answer.body, "<f4").reshape(rows, 3, 6)
    for i, table in enumerate(tables):
        position = i * (STEPS - 1) // (rows - 1)
        one = server.plugin("stats", run="run", tag="conv", steps=f"{position}:{position + 1}")
        assert one.body == table.tobytes()
    few = server.plugin("stats", run="run", tag="conv", steps="5:8", rows=3)
    assert few.body == server.plugin("stats", run="run", tag="conv", steps="5:8").body
    over = server.plugin("stats", run="run", tag="conv", steps="0:2", rows=9)
    assert len(over.body) == 2 * 3 * 6 * 4


def test_the_latest_is_a_few_bytes(long_run):
    """Count, last step and time, and how many tags the run has."""
    server, times = long_run
    answer = server.plugin("latest", run="run", tag="conv")
    assert len(answer.body) < 200
    assert answer.json() == {
        "complete": True,
        "sampled": False,
        "source": "files",
        "count": STEPS,
        "step": STEPS - 1,
        "wall_time": times[-1],
        "tags": 1,
    }


def test_the_latest_comes_as_it_is_written(tmp_path, tensorboard_server):
    """A step is there at the next look a second after the one before; so is a new layer."""
    with EventWriter(tmp_path / "run", ".activations") as writer:
        writer.write(event("conv", 0, layer((2, 4, 4, 3))))
        server = tensorboard_server(tmp_path)
        server.wait_for_tags("conv", run="run")
        assert latest(server)["count"] == 1
        for step in range(1, 4):
            time.sleep(WATCHED_SECONDS)
            writer.write(event("conv", step, layer((2, 4, 4, 3))))
            found = latest(server)
            assert (found["count"], found["step"]) == (step + 1, step)
        writer.write(event("dense", 3, layer((2, 5))))
        server.wait_for(lambda: latest(server)["tags"] == 2)


def test_watching_looks_at_the_files_once_a_second(tmp_path, monkeypatch):
    """However often and by how many it is asked."""
    write_run(tmp_path / "run", {"conv": {0: layer((2, 4, 4, 3))}})
    looks = []
    refresh = RunTimeline.refresh

    def counted(self, deadline=np.inf):
        looks.append(time.monotonic())
        return refresh(self, deadline)

    monkeypatch.setattr(RunTimeline, "refresh", counted)
    timelines = Timelines(LogDirs(((str(tmp_path), None),)), WarnOnce())
    end = time.monotonic() + 2.5 * WATCHED_SECONDS
    while time.monotonic() < end:
        timeline = timelines.run("run", age=WATCHED_SECONDS)
        assert timeline is not None
        time.sleep(0.01)
    assert 2 <= len(looks) <= 3
    assert min(np.diff(looks)) >= WATCHED_SECONDS * 0.99
