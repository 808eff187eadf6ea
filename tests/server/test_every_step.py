"""Whole-server tests of the timeline: every step, whatever TensorBoard keeps; kills and damage."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from logs import layer, write_run
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from tb_activations import activations_pb
from tb_activations.eventfile.writer import EventWriter
from tb_activations.loader import ActivationsLoader
from tb_activations.sources import logdirs

LOADERS = ["false", "true"]
SOAK = os.environ.get("TBA_SOAK") == "1"
ROUTE = "data/plugin/activations/"


def steps(server, run=".", tag="conv"):
    return server.json(ROUTE + "steps", run=run, tag=tag)


def tensor(server, step, run=".", tag="conv", dtype="<f2"):
    """Stored values of one step, or None with the answer's status where there are none."""
    answer = server.plugin("tensor", run=run, tag=tag, step=step)
    if answer.status != 200:
        return None
    shape = [int(side) for side in answer.headers["X-Shape"].split(",")]
    return np.frombuffer(answer.body, dtype).reshape(shape)


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_thousand_steps_are_all_listed(tmp_path, tensorboard_server, load_fast):
    """`/steps` lists every one of 1,000 steps, first and last included, and serves any."""
    arrays = {step: layer((2, 6), step) for step in range(0, 3000, 3)}
    write_run(tmp_path, {"dense": arrays}, precision="float32")
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    server.wait_for_tags("dense")
    answer = steps(server, tag="dense")
    assert [s["step"] for s in answer["steps"]] == list(arrays)
    assert (answer["complete"], answer["sampled"]) == (True, False)
    for step in (0, 1500, 2997):
        np.testing.assert_array_equal(tensor(server, step, tag="dense", dtype="<f4"), arrays[step])
    overview = server.json(ROUTE + "overview", run=".", columns=1000)
    assert overview["steps"] == {"first": 0, "last": 2997, "count": 1000}


class Flags:
    """TensorBoard's flags, as far as they matter here."""

    def __init__(self, **flags):
        self.logdir, self.logdir_spec, self.grpc_data_provider = "", "", ""
        self.samples_per_plugin = {}
        self.__dict__.update(flags)


def test_retention_is_lowered_only_where_no_step_is_lost(tmp_path):
    """One kept step a tag, unless the user says otherwise or a log is not local and readable."""

    def kept(**flags):
        flags = Flags(**flags)
        ActivationsLoader().fix_flags(flags)
        return flags.samples_per_plugin

    there = str(tmp_path)
    assert kept(logdir=there) == {"activations": 1}
    assert kept(logdir=there, samples_per_plugin={"images": 3}) == {"images": 3, "activations": 1}
    assert kept(logdir=there, samples_per_plugin={"activations": 0}) == {"activations": 0}
    assert kept(logdir_spec=f"a:{there},{there}") == {"activations": 1}
    assert kept(logdir=f"{there}/missing") == {}
    assert kept(logdir="gs://bucket/x") == {}
    assert kept(logdir_spec=f"a:{there},b:gs://bucket") == {}
    assert kept(logdir=there, grpc_data_provider="localhost:1") == {}
    assert kept() == {}
    assert logdirs.LogDirs.of_flags(None) is None


def test_every_file_of_a_run_is_followed_unless_the_user_says_otherwise():
    """`--reload_multifile` is on where it was not given, and stays where it was."""
    for given, becomes in ((None, True), (False, False), (True, True)):
        flags = Flags(reload_multifile=given)
        ActivationsLoader().fix_flags(flags)
        assert flags.reload_multifile is becomes
    older = Flags()
    ActivationsLoader().fix_flags(older)
    assert not hasattr(older, "reload_multifile")


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_file_of_ours_ends_no_scalars(tmp_path, tensorboard_server, load_fast):
    """Another writer's scalars go on while ours writes to a younger file of the same run."""
    with EventWriter(tmp_path, suffix="") as theirs, EventWriter(tmp_path) as ours:
        assert theirs.path.name < ours.path.name

        def log(step):
            value = Summary.Value(tag="loss", simple_value=step)
            theirs.write(Event(step=step, wall_time=time.time(), summary=Summary(value=[value])))
            record = activations_pb("dense", layer((2, 6), step))
            ours.write(Event(step=step, wall_time=time.time(), summary=record))

        log(1)
        server = tensorboard_server(tmp_path, load_fast=load_fast)
        server.wait_for_tags("dense")
        for step in (2, 3):
            log(step)

            def seen(step=step):
                found = server.get("data/plugin/scalars/scalars", run=".", tag="loss")
                return found.status == 200 and found.json()[-1][1] == step

            server.wait_for(seen)
        server.wait_for(
            lambda: [s["step"] for s in steps(server, tag="dense")["steps"]] == [1, 2, 3]
        )


def test_groups_of_a_logdir_spec_are_served(tmp_path, tensorboard_server):
    """Runs of `--logdir_spec` are read from the directories that TensorBoard names so."""
    for name in ("a", "b/c"):
        write_run(tmp_path / name, {"conv": {s: layer((2, 3), s) for s in range(30)}})
    spec = f"one:{tmp_path}/a,two:{tmp_path}/b"
    server = tensorboard_server(None, extra=[f"--logdir_spec={spec}"])
    index = server.wait_for_tags("conv", run="two/c")
    assert sorted(index) == ["one/.", "two/c"]
    for run in index:
        assert len(steps(server, run)["steps"]) == 30


@pytest.mark.parametrize("load_fast", LOADERS)
def test_every_step_is_served_where_the_system_has_no_pread(
    tmp_path, tensorboard_server, load_fast
):
    """Windows can only seek and read: retention is lowered there too, so the index must work."""
    arrays = {step: layer((2, 6), step) for step in range(30)}
    write_run(tmp_path, {"dense": arrays}, precision="float32")
    wrapped = [sys.executable, str(Path(__file__).parents[1].joinpath("without_pread.py"))]
    server = tensorboard_server(tmp_path, load_fast=load_fast, prefix=wrapped)
    server.wait_for_tags("dense")
    answer = server.wait_for(lambda: (a := steps(server, tag="dense"))["complete"] and a)
    assert (answer["sampled"], answer["source"]) == (False, "files")
    assert [s["step"] for s in answer["steps"]] == list(arrays)
    for step in (0, 15, 29):
        np.testing.assert_array_equal(tensor(server, step, tag="dense", dtype="<f4"), arrays[step])
    assert server.complaints == []


@pytest.mark.parametrize("spec", ["there:local://{b},here:{a}", "here:{a},there:local://{b}"])
def test_local_runs_are_complete_beside_a_remote_one(tmp_path, tensorboard_server, spec):
    """Each run is decided for itself: every step of local ones, a sample, so named, of others."""
    pytest.importorskip("fsspec", reason="TensorBoard reads remote logs through fsspec")
    for name in ("a", "b"):
        arrays = {step: layer((2, 3), step) for step in range(30)}
        write_run(tmp_path / name / "x", {"conv": arrays}, precision="float32")
    spec = spec.format(a=tmp_path / "a", b=tmp_path / "b")
    server = tensorboard_server(None, extra=[f"--logdir_spec={spec}"])
    index = server.wait_for_tags("conv", run="there/x")
    assert sorted(index) == ["here/x", "there/x"]
    here, there = (steps(server, run) for run in ("here/x", "there/x"))
    assert len(here["steps"]) == 30 and len(there["steps"]) == 10
    assert (here["complete"], here["sampled"], here["source"]) == (True, False, "files")
    assert (there["sampled"], there["source"]) == (True, "tensorboard")
    for run, source in (("here/x", "files"), ("there/x", "tensorboard")):
        assert server.json(ROUTE + "overview", run=run)["source"] == source
    assert tensor(server, 3, run="here/x", dtype="<f4") is not None


def test_a_remote_run_of_a_local_ones_name_is_not_taken_for_it(tmp_path, tensorboard_server):
    """Where both are named alike and TensorBoard lists the remote one, its values are served."""
    pytest.importorskip("fsspec", reason="TensorBoard reads remote logs through fsspec")
    for name, value in (("local", 1.0), ("remote", 2.0)):
        arrays = {step: np.full((2, 3), value, "float32") for step in range(5)}
        write_run(tmp_path / name / "x", {"conv": arrays}, precision="float32")
    write_run(tmp_path / "local" / "only", {"conv": arrays}, precision="float32")
    spec = f"{tmp_path}/local,local://{tmp_path}/remote"
    server = tensorboard_server(None, extra=[f"--logdir_spec={spec}"])
    server.wait_for_tags("conv", run="x")
    server.wait_for(lambda: steps(server, "x")["source"] == "tensorboard")
    assert tensor(server, 4, run="x", dtype="<f4").max() == 2.0
    assert steps(server, "only")["source"] == "files"


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_killed_writer_loses_nothing_that_was_flushed(tmp_path, tensorboard_server, load_fast):
    """SIGKILL at random moments, restarts into the directory, a reader running all the while."""
    rng = random.Random(load_fast)
    write_run(tmp_path, {"conv": {-1: np.full((2, 24, 24, 8), -1.0, np.float32)}},
              precision="float32")  # fmt: skip
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    server.wait_for_tags("conv")
    stop, wrong = threading.Event(), []
    reader = threading.Thread(target=_read_all_the_while, args=(server, stop, wrong))
    reader.start()
    first, flushed = 0, [-1]
    for _ in range(25 if SOAK else 3):
        written = _write_until_killed(tmp_path, first, rng.uniform(0.05, 0.6))
        flushed = [step for step in flushed if step < first] + written
        first = max(0, (flushed[-1] if flushed else 0) - rng.randrange(4))
    expected = set(flushed)
    server.wait_for(lambda: expected <= {s["step"] for s in steps(server)["steps"]})
    stop.set()
    reader.join()
    assert wrong == []
    for step in sorted(expected)[:: 1 if SOAK else 7]:
        assert _right(tensor(server, step, dtype="<f4"), step)
    listed = [s["step"] for s in steps(server)["steps"]]
    assert listed == sorted(set(listed))
    assert "Traceback" not in server.stderr


def _write_until_killed(directory: Path, first: int, seconds: float) -> list[int]:
    """The steps that a writer said it had flushed before it was killed after `seconds`."""
    script = Path(__file__).parents[1].joinpath("writer.py")
    command = [sys.executable, str(script), str(directory), str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    started = process.stdout.readline()
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    rest, _ = process.communicate()
    return [int(line) for line in [started, *rest.split("\n")[:-1]] if line.strip()]


def _read_all_the_while(server, stop, wrong):
    while not stop.is_set():
        listed = steps(server)["steps"]
        for step in random.sample([s["step"] for s in listed], min(4, len(listed))):
            answer = server.plugin("tensor", run=".", tag="conv", step=step)
            # A step may be hidden by a restarted writer between the two requests.
            if answer.status not in (200, 404):
                wrong.append((step, answer.status, answer.text))
            elif answer.status == 200:
                values = np.frombuffer(answer.body, "<f4").reshape(2, 8, 24, 24)
                if not _right(values, step):
                    wrong.append((step, values[0, :, 0, 0]))


def _right(values, step):
    if step < 0:
        return values is not None and (values == step).all()
    expected = step + np.arange(8, dtype=np.float32)[None, :, None, None]
    return values is not None and (values == expected).all()


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_damaged_file_costs_only_what_is_damaged(tmp_path, tensorboard_server, load_fast):
    """Flipped bytes, in a length too: TensorBoard runs on and serves all undamaged records."""
    arrays = {step: layer((2, 40, 40, 8), step) for step in range(20)}
    path = write_run(tmp_path, {"conv": arrays}, precision="float32")
    data = bytearray(path.read_bytes())
    places, at = [], 0
    while at < len(data):
        places.append(at)
        at += 16 + int.from_bytes(data[at : at + 8], "little")
    data[places[1 + 5] + 2] ^= 4  # the length of step 5
    data[places[1 + 9] + 30_000] ^= 1  # a page of step 9
    data[places[1 + 14] + 20] ^= 8  # the head of step 14
    path.write_bytes(data)
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    server.wait_for_tags("conv")
    for step in set(range(20)) - {5, 9, 14}:
        expected = np.moveaxis(arrays[step], -1, 1)
        np.testing.assert_array_equal(tensor(server, step, dtype="<f4"), expected)
    for step in (5, 9):
        assert server.plugin("tensor", run=".", tag="conv", step=step).status == 404
    assert "damaged" in server.stderr
    assert "Traceback" not in server.stderr
    assert server.get("data/plugins_listing").status == 200


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_log_that_grows_is_followed(tmp_path, tensorboard_server, load_fast):
    """Steps appear as they are written, in a later file too, without a restart."""
    write_run(tmp_path, {"conv": {0: layer((2, 3))}})
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    server.wait_for_tags("conv")
    for step in range(1, 4):
        write_run(tmp_path, {"conv": {step: layer((2, 3), step)}})
        server.wait_for(lambda s=step: len(steps(server)["steps"]) == s + 1)
    with EventWriter(tmp_path):
        pass
    assert len(steps(server)["steps"]) == 4
