"""What the bundle is built from is pinned; nothing is downloaded or reported at run time."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from logs import layer, write_run
from servers import tensorboard_server

FRONTEND = Path(__file__).parents[1] / "frontend"
EXACT = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
# Runs trainer.py, and tells of every connection that Python opens meanwhile.
WATCHED = """
import runpy, sys
def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "http.client.connect", "urllib.Request"):
        print("connection", event, arguments[1:], flush=True)
sys.addaudithook(note)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_versions_that_build_the_bundle_are_exact():
    """Node and every direct package by one version, every package of the lock by its hash."""
    assert EXACT.fullmatch((FRONTEND / ".node-version").read_text().strip())
    package = json.loads((FRONTEND / "package.json").read_text())
    direct = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, version in direct.items() if not EXACT.fullmatch(version)] == []
    locked = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]
    for name, version in direct.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert [name for name, entry in locked.items() if name and "integrity" not in entry] == []


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_training_connects_to_nothing(tmp_path):
    """The callback opens no connection, from its import to the end of training."""
    trainer = Path(__file__).with_name("trainer.py")
    command = [sys.executable, "-c", WATCHED, str(trainer), str(tmp_path), "2"]
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["epoch 1", "epoch 2", "trained"]


@pytest.mark.parametrize("load_fast", ["false", "true"])
def test_serving_connects_to_nothing(tmp_path, monkeypatch, load_fast):
    """TensorBoard with the plugin opens no connection but to this machine, whatever is asked."""
    connections = tmp_path / "connections.txt"
    monkeypatch.setenv("TBA_CONNECTIONS", str(connections))
    write_run(tmp_path / "logs", {"conv": {0: layer((2, 4, 4, 3))}})
    with tensorboard_server(tmp_path / "logs", load_fast=load_fast) as server:
        server.wait_for_tags("conv")
        for route in ("steps", "tensor", "stats", "overview", "index.js"):
            assert server.plugin(route, run=".", tag="conv", step=0).status == 200
    opened = connections.read_text().splitlines() if connections.exists() else []
    assert [line for line in opened if "127.0.0.1" not in line and "localhost" not in line] == []
