"""Damage under a running server: it stays up, says what is wrong once, and serves the rest.

Damaged bytes in files are in test_timeline.py and test_every_step.py, records of unknown versions
in test_plugin.py; here is what happens to whole records, files and directories.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from logs import event, layer, write_run
from servers import tensorboard_server as start

from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import Blob, metadata

LOADERS = ["false", "true"]
DROPPED = "-dac_override,-dac_read_search,-fowner"
UNPRIVILEGED = ["setpriv", f"--bounding-set={DROPPED}", f"--inh-caps={DROPPED}"]
if os.geteuid() != 0:
    UNPRIVILEGED = []  # whoever is not root has none to drop
VALUES = {step: layer((2, 8, 8, 3), step) for step in range(4)}


def listed(server, tag="conv", run="."):
    answer = server.plugin("steps", run=run, tag=tag)
    return [each["step"] for each in answer.json()["steps"]] if answer.status == 200 else None


def other_tabs_work(server):
    return server.get("data/plugin/scalars/tags").status == 200


def bomb(side: int) -> bytes:
    """A small grey PNG that says it is `side` × `side`, and would inflate to that."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    size = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    compressor = zlib.compressobj(9)
    rows = b"".join(compressor.compress(bytes(side + 1)) for _ in range(side))
    data = rows + compressor.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def with_page(page: bytes, **header_changes) -> list[bytes]:
    """The blobs of a good record, with another first page and a changed header."""
    blobs = record.encode(layer((2, 64, 64, 4)))
    header = {**json.loads(blobs[Blob.HEADER]), **header_changes}
    return [json.dumps(header).encode(), *blobs[1:4], page, *blobs[5:]]


def write_blobs(writer, tag, step, blobs):
    of_tag = metadata.summary_metadata()
    writer.write(activation_event(tag, blobs, step, 1e9 + step, of_tag))


@pytest.mark.parametrize("load_fast", LOADERS)
def test_hostile_records_cost_only_themselves(tmp_path, tensorboard_server, load_fast):
    """Bombs, enormous headers and foreign plugins: a sentence each, everything else is served."""
    hostile = {
        "bomb": with_page(bomb(20_000)),
        "not a png": with_page(b"\x89PNG\r\n\x1a\n" + bytes(100)),
        "huge shape": with_page(b"x", shape=[2**31, 2**31, 2**31, 2**31]),
        "negative shape": with_page(b"x", shape=[-2, 64, 64, 4]),
        "many pages": with_page(b"x", pages=[1] * 10_000),
        "deep header": [b"[" * 100_000, b"", b"", b""],
        "long header": [b'{"version": 1, "x": "' + b"y" * 5_000_000 + b'"}', b"", b"", b""],
        "exponent": with_page(b"x", exponent=10**9),
        "word for a number": with_page(b"x", batch="many"),
        "no blobs": [],
    }
    with EventWriter(tmp_path) as writer:
        for step, values in VALUES.items():
            writer.write(event("conv", step, values))
        for tag, blobs in hostile.items():
            write_blobs(writer, tag, 0, blobs)
        of_other = metadata.summary_metadata()
        of_other.plugin_data.plugin_name = "another-plugin"
        writer.write(activation_event("foreign", [b"x"], 0, 1e9, of_other))
        writer.write(event("conv", 9, VALUES[0]))
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    server.wait_for(lambda: listed(server) == [0, 1, 2, 3, 9])
    assert "foreign" not in server.json("data/plugin/activations/tags")["."]
    for tag in hostile:
        for route in ("steps", "tensor", "stats"):
            answer = server.plugin(route, run=".", tag=tag, step=0)
            assert answer.status in (200, 404), (tag, route, answer.status, answer.text)
            if answer.status == 404:
                assert "\n" not in answer.text and len(answer.text) < 1000
    assert server.plugin("tensor", run=".", tag="bomb", step=0).status == 404
    assert server.plugin("overview", run=".").status == 200
    assert "Traceback" not in server.stderr
    assert len(server.stderr) < 20_000
    # What only a look at a page shows is said to who looks; what a header shows, once on stderr.
    for tag in hostile.keys() - {"bomb", "not a png", "no blobs"}:
        assert server.stderr.count(repr(tag)) == 1, tag
    assert server.stderr.count("a record of 0 blobs") == 1
    for tag in ("bomb", "not a png"):
        assert "page" in server.plugin("tensor", run=".", tag=tag, step=0).text
    assert other_tabs_work(server)


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_log_removed_and_replaced_while_it_is_served(tmp_path, tensorboard_server, load_fast):
    """Removed, a run's values are a 404; written anew with other shapes, they are served anew."""
    run = tmp_path / "run"
    write_run(run, {"conv": VALUES})
    write_run(tmp_path / "other", {"conv": VALUES})
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    server.wait_for(lambda: listed(server, run="run") == [0, 1, 2, 3])
    server.wait_for(lambda: listed(server, run="other") == [0, 1, 2, 3])
    shutil.rmtree(run)
    server.wait_for(lambda: not listed(server, run="run"))
    assert server.plugin("tensor", run="run", tag="conv", step=0).status == 404
    assert listed(server, run="other") == [0, 1, 2, 3]
    replaced = {step: layer((1, 5, 4, 7), step) for step in (0, 5)}
    write_run(run, {"conv": replaced}, precision="float32")
    server.wait_for(lambda: listed(server, run="run") == [0, 5])
    answer = server.plugin("tensor", run="run", tag="conv", step=5)
    got = np.frombuffer(answer.body, "<f4").reshape(1, 7, 5, 4)
    assert np.array_equal(got, np.moveaxis(replaced[5], -1, 1))
    assert "Traceback" not in server.stderr


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_whole_log_directory_replaced_while_it_is_served(tmp_path, tensorboard_server, load_fast):
    """Its runs go; those of the directory that stands there afterwards come, under either name."""
    root = tmp_path / "logs"
    write_run(root / "old", {"conv": VALUES})
    write_run(root / "both", {"conv": VALUES})
    server = tensorboard_server(root, load_fast=load_fast)
    server.wait_for(lambda: listed(server, run="old") == [0, 1, 2, 3])
    server.wait_for(lambda: listed(server, run="both") == [0, 1, 2, 3])
    root.rename(tmp_path / "moved")
    server.wait_for(lambda: not listed(server, run="old"))
    assert server.plugin("tensor", run="both", tag="conv", step=0).status == 404
    write_run(root / "new", {"conv": VALUES})
    write_run(root / "both", {"conv": {7: VALUES[1]}})
    server.wait_for(lambda: listed(server, run="new") == [0, 1, 2, 3])
    server.wait_for(lambda: listed(server, run="both") == [7])
    assert server.plugin("tensor", run="both", tag="conv", step=7).status == 200
    assert not listed(server, run="old")
    assert other_tabs_work(server)
    assert "Traceback" not in server.stderr


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_whole_log_directory_that_comes_late(tmp_path, tensorboard_server, load_fast):
    """TensorBoard may be started on a directory that is not there yet."""
    root = tmp_path / "later"
    server = tensorboard_server(root, load_fast=load_fast)
    assert server.json("data/plugin/activations/tags") == {}
    write_run(root / "run", {"conv": VALUES})
    server.wait_for(lambda: listed(server, run="run") == [0, 1, 2, 3])


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_clock_that_goes_backwards(tmp_path, tensorboard_server, load_fast):
    """Steps written with ever earlier wall times are all served, in the order of steps."""
    with EventWriter(tmp_path) as writer:
        for step in range(5):
            writer.write(event("conv", step, VALUES[0], wall_time=2e9 - 1000 * step))
        writer.write(event("conv", 5, VALUES[1], wall_time=-5.0))
        writer.write(event("conv", 6, VALUES[1], wall_time=0.0))
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    server.wait_for(lambda: listed(server) == [0, 1, 2, 3, 4, 5, 6])
    assert server.plugin("overview", run=".").status == 200


def test_two_layers_of_one_name_in_a_record_file(tmp_path, tensorboard_server):
    """A shape, a dtype and a number of channels may change from step to step."""
    arrays = [layer((2, 8, 8, 3)), layer((1, 4, 4, 5)), layer((3, 6)), layer((2, 2, 2, 2, 1))]
    with EventWriter(tmp_path) as writer:
        for step, array in enumerate(arrays):
            precision = "float32" if step % 2 else "float16"
            writer.write(event("conv", step, array, precision=precision))
    server = tensorboard_server(tmp_path)
    server.wait_for(lambda: listed(server) == [0, 1, 2, 3])
    entries = server.plugin("steps", run=".", tag="conv").json()["steps"]
    assert [entry["shape"] for entry in entries] == [list(array.shape) for array in arrays]
    for step in range(4):
        assert server.plugin("tensor", run=".", tag="conv", step=step).status == 200
    assert server.plugin("overview", run=".").status == 200
    assert server.plugin("stats", run=".", tag="conv").status == 200


needs_permissions = pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="needs setpriv"
)


def shut(path):
    """Takes every permission away; skips where that does not hold, even for who is not root."""
    path.chmod(0)
    code = f"import os; os.listdir({str(path)!r})" if path.is_dir() else f"open({str(path)!r})"
    probe = [*UNPRIVILEGED, sys.executable, "-c", code]
    if subprocess.run(probe, capture_output=True).returncode == 0:
        pytest.skip("permissions do not hold here")


@needs_permissions
@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_log_without_read_permission(tmp_path, load_fast):
    """Where TensorBoard may not read a run, it serves the others and stays up.

    Root reads everything, so the capabilities that ignore permissions are dropped; the interpreter
    may lie where no other user can look. (Neither loader of TensorBoard opens such a file again
    once it may: that takes a restart.)
    """
    write_run(tmp_path / "open", {"conv": VALUES})
    closed = write_run(tmp_path / "closed", {"conv": VALUES})
    shut(closed)
    with start(tmp_path, load_fast=load_fast, prefix=UNPRIVILEGED) as server:
        server.wait_for(lambda: listed(server, run="open") == [0, 1, 2, 3])
        assert server.plugin("tensor", run="closed", tag="conv", step=0).status == 404
        assert other_tabs_work(server)
        assert "Traceback" not in server.stderr or load_fast == "false"


@needs_permissions
def test_a_run_directory_without_read_permission(tmp_path):
    """A directory that may not be listed costs its own runs, and is said once.

    Under the data server: the Python loader's thread ends with the first such directory, so that
    no tab of TensorBoard gets anything from then on.
    """
    write_run(tmp_path / "open", {"conv": VALUES})
    write_run(tmp_path / "shut", {"conv": VALUES})
    shut(tmp_path / "shut")
    with start(tmp_path, load_fast="true", prefix=UNPRIVILEGED) as server:
        server.wait_for(lambda: listed(server, run="open") == [0, 1, 2, 3])
        write_run(tmp_path / "later", {"conv": VALUES})
        server.wait_for(lambda: listed(server, run="later") == [0, 1, 2, 3])
        assert server.plugin("tensor", run="shut", tag="conv", step=0).status == 404
        assert other_tabs_work(server)
        assert "Traceback" not in server.stderr
        assert "activations" not in server.stderr


@needs_permissions
@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_log_directory_without_read_permission(tmp_path, load_fast):
    """A log directory that may not be listed is an empty one; the server stays up."""
    root = tmp_path / "logs"
    write_run(root / "run", {"conv": VALUES})
    shut(root)
    with start(root, load_fast=load_fast, prefix=UNPRIVILEGED) as server:
        assert server.json("data/plugin/activations/tags") == {}
        assert server.plugin("overview", run="run").status == 404
        assert other_tabs_work(server)


@needs_permissions
@pytest.mark.parametrize("load_fast", LOADERS)
def test_read_permission_lost_while_served(tmp_path, load_fast):
    """What may no longer be read is a 404 that says so, and is served again once it may be."""
    write_run(tmp_path / "open", {"conv": VALUES})
    closed = write_run(tmp_path / "closed", {"conv": VALUES})
    with start(tmp_path, load_fast=load_fast, prefix=UNPRIVILEGED) as server:
        for run in ("open", "closed"):
            server.wait_for(lambda run=run: listed(server, run=run) == [0, 1, 2, 3])
        shut(closed)
        answer = server.plugin("tensor", run="closed", tag="conv", step=2)
        assert answer.status == 404 and "Permission denied" in answer.text, answer.text
        assert server.plugin("tensor", run="open", tag="conv", step=2).status == 200
        closed.chmod(0o600)
        assert server.plugin("tensor", run="closed", tag="conv", step=2).status == 200
        assert "Traceback" not in server.stderr
        assert other_tabs_work(server)


@needs_permissions
def test_the_doctor_names_what_may_not_be_read(tmp_path):
    """A directory that may not be listed and a file that may not be read; the others are listed."""
    write_run(tmp_path / "open", {"conv": VALUES})
    closed = write_run(tmp_path / "closed", {"conv": VALUES})
    (tmp_path / "shut").mkdir()
    for path in (closed, tmp_path / "shut"):
        shut(path)
    command = [*UNPRIVILEGED, sys.executable, "-m", "tb_activations.doctor", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    (tmp_path / "shut").chmod(0o700)
    assert done.returncode == 1
    assert f"! {tmp_path / 'shut'} cannot be listed: Permission denied" in done.stdout
    assert f"! {closed} cannot be read: " in done.stdout
    assert "run 'open': 1 layer, 4 records" in done.stdout
