"""The wheel on a machine that only looks at logs: no TensorFlow, no Node, no compiler."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from logs import layer, write_run
from servers import tensorboard_server
from wheels import ROOT, build_wheel

VALUES = {step: layer((3, 6, 5, 4), step) for step in range(3)}


@pytest.fixture(scope="module")
def viewer(tmp_path_factory) -> Path:
    """The interpreter of a new environment in which the wheel alone was installed.

    Under noxfile.py, where the package is installed and its tree not there, it is our own.
    """
    if not (ROOT / "tb_activations").exists():
        if importlib.util.find_spec("tensorflow") is None:
            return Path(sys.executable)
        pytest.skip("TensorFlow is installed here, and there is no tree to build a wheel from")
    where = tmp_path_factory.mktemp("viewer")
    wheel = build_wheel(where / "tree")
    create = [sys.executable, "-m", "venv", "--without-pip", str(where / "venv")]
    subprocess.run(create, check=True)
    python = where / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    install = [*pip, "--quiet", "--no-compile", "--only-binary=:all:"]
    poor = {**os.environ, "PATH": str(python.parent), "CC": "false"}
    done = subprocess.run([*install, str(wheel)], env=poor, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return python


def test_nothing_heavy_was_installed(viewer):
    """Neither TensorFlow nor Keras comes with the wheel."""
    code = (
        "from importlib.util import find_spec; print(find_spec('tensorflow'), find_spec('keras'))"
    )
    done = subprocess.run([str(viewer), "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "None"]


def test_a_record_can_be_written_without_tensorflow(viewer, tmp_path):
    """`activations_pb` works with what the wheel brings."""
    code = "import numpy as np, tb_activations as tba; tba.activations_pb('x', np.ones((1, 4)))"
    subprocess.run([str(viewer), "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize("load_fast", ["false", "true"])
def test_every_route_is_served(viewer, tmp_path, load_fast):
    """The installed wheel registers itself, and serves the dashboard and all values."""
    write_run(tmp_path / "run", {"conv": VALUES}, precision="float32")
    with tensorboard_server(
        tmp_path, load_fast=load_fast, python=viewer, cwd=tmp_path, tensorflow=True
    ) as server:
        server.wait_for_tags("conv", run="run")
        where = {"run": "run", "tag": "conv"}
        server.wait_for(lambda: len(server.plugin("steps", **where).json()["steps"]) == 3)
        answer = server.plugin("tensor", step=2, **where)
        got = np.frombuffer(answer.body, "<f4").reshape(3, 4, 6, 5)
        assert np.array_equal(got, np.moveaxis(VALUES[2], -1, 1))
        assert server.plugin("stats", **where).status == 200
        assert server.plugin("overview", run="run").status == 200
        script = server.plugin("index.js").body
        assert b"export" in script
        version = script.split(b"more.js?v=")[1][:12].decode("ascii")
        assert b"export" in server.plugin("more.js", v=version).body
        assert server.json("data/plugins_listing")["activations"]["enabled"]
        assert "Traceback" not in server.stderr
