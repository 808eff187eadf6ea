"""The demo: it trains, and logs what the README says."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from servers import PATIENCE, without_tensorflow
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from demo.serve import on_first_free_port
from tb_activations import record
from tb_activations.names import PLUGIN_NAME
from tb_activations.record import Blob
from tb_activations.record.run import RUN_TAG

ROOT = Path(__file__).parents[1]

MAPS = ("attribution/grad_cam", "attribution/integrated_gradients")

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow"
)


def trained(log_dir: Path, framework: str, *paths: str) -> dict[tuple[str, int], list[bytes]]:
    """What one short epoch of the demo logs: `{(tag, step): blobs}`."""
    command = [sys.executable, "-m", "demo.train", "--framework", framework, "--epochs", "1"]
    before = os.environ.get("PYTHONPATH")
    done = subprocess.run(
        [*command, "--images", "64", "--log-dir", str(log_dir)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [*paths, before]))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "held-out images are recognised" in done.stdout
    return {
        (value.tag, event.step): list(value.tensor.string_val)
        for event_file in (log_dir / "digits-1").iterdir()
        for event in EventFileLoader(str(event_file)).Load()
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == PLUGIN_NAME and value.tag != RUN_TAG
    }


@pytest.fixture(scope="module")
def logged(tmp_path_factory) -> dict[tuple[str, int], list[bytes]]:
    """What the demo logs with Keras."""
    return trained(tmp_path_factory.mktemp("logs"), "keras")


@needs_tensorflow
def test_demo_logs_each_layer_before_training_and_after_each_epoch(logged):
    """Every layer but Flatten is logged at step 0 and after the epoch, the input once."""
    tags = {"input", "conv1", "conv2", "conv3", "dense1", "dense2", *MAPS}
    assert set(logged) == {(tag, step) for tag in tags for step in (0, 1)} - {("input", 1)}


@needs_tensorflow
def test_demo_logs_what_each_answer_rests_on(logged):
    """Maps of the ten images, for their labels, by two methods, at each step."""
    for tag in MAPS:
        for step in (0, 1):
            header = record.WholeRecord(logged[tag, step]).header
            side = 28 if "integrated" in tag else 22
            assert header.shape == (10, side, side, 1)
            assert header.attribution.targets == tuple((digit,) for digit in range(10))
            assert header.attribution.target_names[3] == ("3",)


@needs_tensorflow
def test_demo_logs_one_image_of_each_class_with_its_label(logged):
    """The input holds ten real images from 0 to 1, one a digit, labelled."""
    blobs = logged["input", 0]
    whole = record.WholeRecord(blobs)
    header = whole.header
    assert header.shape == (10, 28, 28, 1)
    assert record.parse_labels(blobs[Blob.LABELS], header) == tuple("0123456789")
    values = record.read_values(whole, slice(0, 10), slice(0, 1)) * header.scale
    assert values.min() >= 0 and 0.9 < values.max() <= 1
    assert len(np.unique(values, axis=0)) == 10


@needs_tensorflow
def test_demo_layers_have_the_shapes_of_the_convnet(logged):
    """The layers are those of the ConvNet that the README names."""
    shapes = {
        tag: record.parse_header(blobs[Blob.HEADER]).shape for (tag, _), blobs in logged.items()
    }
    assert shapes["conv1"] == (10, 26, 26, 32)
    assert shapes["conv2"] == (10, 24, 24, 64)
    assert shapes["conv3"] == (10, 22, 22, 128)
    assert shapes["dense1"] == (10, 128)
    assert shapes["dense2"] == (10, 10)


def test_demo_trains_the_same_network_with_pytorch(tmp_path):
    """Without TensorFlow and Keras: the same layers, each with what its ReLU makes of it."""
    pytest.importorskip("torch", reason="needs PyTorch")
    without = str(Path(__file__).parent / "without_tensorflow")
    blobs = trained(tmp_path, "torch", without)
    assert {step for _, step in blobs} == {0, 1}
    shapes = {tag: record.parse_header(one[Blob.HEADER]).shape for (tag, _), one in blobs.items()}
    maps = {"conv1": 32, "conv2": 64, "conv3": 128}
    sides = {"conv1": 26, "conv2": 24, "conv3": 22}
    expected = {name: (10, sides[name], sides[name], count) for name, count in maps.items()}
    expected |= {"dense1": (10, 128), "dense2": (10, 10), "input": (10, 28, 28, 1)}
    for behind, name in enumerate(("conv1", "conv2", "conv3", "dense1"), 1):
        expected["relu()" if behind == 1 else f"relu():{behind}"] = expected[name]
    assert shapes == expected
    labels = blobs["input", 0]
    header = record.parse_header(labels[Blob.HEADER])
    assert record.parse_labels(labels[Blob.LABELS], header) == tuple("0123456789")


@pytest.mark.parametrize(("ending", "listens"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_serve_prints_its_address_and_ends_cleanly(tmp_path, ending, listens):
    """`demo.serve` takes the next port where one is taken, and Ctrl-C leaves no process behind.

    A port that nobody listens at yet looks free until TensorBoard takes it, as one that another
    program takes while TensorBoard starts.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listens:
            taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "demo.serve", str(tmp_path), "--port", str(port)]
        out = tmp_path / "out.txt"
        with out.open("w") as stream:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                env=without_tensorflow(),
            )
        try:
            address = wait_for_address(process, out)
            assert not address.endswith(f":{port}/")
            with urllib.request.urlopen(address + "data/environment") as answer:
                assert json.load(answer)["data_location"] == str(tmp_path)
            os.killpg(process.pid, ending)
            assert process.wait(timeout=PATIENCE) == 0, out.read_text()
            assert "Traceback" not in out.read_text()
            with pytest.raises(ProcessLookupError):
                wait_until_gone(process.pid)
        finally:
            process.kill()


def test_serve_names_the_ports_that_are_taken():
    """Where none of the ports is free, it says which were tried."""
    flags = SimpleNamespace(host="127.0.0.1", bind_all=False, reuse_port=False, path_prefix="")
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # by somebody else: as good
            taken.bind(("127.0.0.1", 65535))
        with pytest.raises(SystemExit, match="no free port from 65535 to 65535; name one with"):
            on_first_free_port(65535)(None, flags)


def wait_for_address(process: subprocess.Popen, out: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        for line in out.read_text().splitlines():
            if "Activations tab:" in line:
                return line.split("Activations tab:")[1].strip().removesuffix("#activations")
        time.sleep(0.1)
    raise AssertionError(out.read_text())


def wait_until_gone(group: int) -> None:
    """Raises ProcessLookupError as soon as no process of the group is left."""
    for _ in range(round(10 * PATIENCE)):
        os.killpg(group, 0)
        time.sleep(0.1)
