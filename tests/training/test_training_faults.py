"""Training goes on or raises its own error, and what was flushed can be read, whatever happens.

What the callback does when its directory goes away or cannot be made is in test_callback.py.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

import tb_activations as tba
from tb_activations import record
from tb_activations.record import Blob
from tb_activations.record.run import RUN_TAG

SOAK = os.environ.get("TBA_SOAK") == "1"
PATIENCE = 600  # seconds for a training of a few seconds to end, on any machine
TRAINER = Path(__file__).parents[1].joinpath("trainer.py")
DROPPED = "-dac_override,-dac_read_search,-fowner"
UNPRIVILEGED = ["setpriv", f"--bounding-set={DROPPED}", f"--inh-caps={DROPPED}"]


def start(log_dir, epochs, *more, prefix=(), stops=()):
    """The trainer; after each epoch of `stops` it waits for `goes_on`."""
    command = [*prefix, sys.executable, str(TRAINER), str(log_dir), str(epochs), *map(str, more)]
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    env["TBA_STOPS"] = ",".join(map(str, stops))
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env)


def goes_on(process):
    process.stdin.write("\n")
    process.stdin.flush()


def finished(process):
    """The lines that the trainer printed; it must have ended well."""
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return out.splitlines()


def records(log_dir):
    """Tag, step and blobs of each record, read without our reader."""
    for path in sorted(Path(log_dir).glob("*tfevents*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag == RUN_TAG:
                    continue
                yield value.tag, event.step, list(value.tensor.string_val)


def logged(log_dir):
    """`{tag: [steps]}` of the records, all of whose values can be decoded."""
    found = {}
    for tag, step, blobs in records(log_dir):
        record.read_values(record.WholeRecord(blobs))
        found.setdefault(tag, []).append(step)
    return found


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_what_was_flushed_survives_a_signal(tmp_path, ending):
    """However training is ended, every epoch that was flushed can be read."""
    process = start(tmp_path, 10_000)
    for line in process.stdout:
        if line == "epoch 3\n":
            break
    time.sleep(0.05)
    process.send_signal(ending)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert ("KeyboardInterrupt" in errors) == (ending == signal.SIGINT)
    assert {0, 1, 2, 3} <= set(logged(tmp_path)["conv"])


def test_a_full_disk_warns_once_and_training_goes_on(tmp_path):
    """Where no more can be written, one warning names the file; what was written is whole."""
    lines = finished(start(tmp_path, 6, 60_000))
    assert lines[-1] == "trained"
    warned = [line for line in lines if line.startswith("warning")]
    assert len(warned) == 1
    assert "tfevents" in warned[0] and "training goes on" in warned[0]
    steps = logged(tmp_path)["conv"]
    assert steps and steps == list(range(len(steps)))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB, where we may mount one."""
    where = tmp_path / "small"
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(where)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield where
    subprocess.run(["umount", "--lazy", str(where)], check=True)


def test_a_full_file_system_warns_once_and_training_goes_on(small_disk):
    """As above, on a file system that is really full; room that is made is used again."""
    (small_disk / "other").write_bytes(bytes(150_000))
    process = start(small_disk / "run", 40, stops=[20])
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if line == "epoch 20\n":
            (small_disk / "other").unlink()
            goes_on(process)
    assert process.wait(timeout=PATIENCE) == 0
    assert lines[-1] == "trained"
    assert len([line for line in lines if line.startswith("warning")]) == 1
    steps = logged(small_disk / "run")["conv"]
    assert steps == sorted(set(steps)) and steps[0] == 0
    assert max(steps) > 15  # those written after room was made among them


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="needs setpriv")
def test_a_directory_without_permission_warns_once(tmp_path):
    """Where the log directory may not be written to, training goes on with one warning."""
    log_dir = tmp_path / "run"
    log_dir.mkdir(mode=0o500)
    lines = finished(start(log_dir, 3, prefix=UNPRIVILEGED if os.geteuid() == 0 else ()))
    log_dir.chmod(0o700)
    if list(log_dir.iterdir()):
        pytest.skip("permissions do not hold here")
    assert lines[-1] == "trained"
    warned = [line for line in lines if line.startswith("warning")]
    assert len(warned) == 1 and "ermission denied" in warned[0]


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="needs setpriv")
def test_a_permission_lost_while_training_warns_once(tmp_path):
    """Where the log directory is closed under a training, it goes on; opened again, it is used."""
    log_dir = tmp_path / "run"
    prefix = UNPRIVILEGED if os.geteuid() == 0 else ()
    process = start(log_dir, 60, prefix=prefix, stops=[5, 20])
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if line == "epoch 5\n":
            log_dir.chmod(0)
            goes_on(process)
        if line == "epoch 20\n":
            log_dir.chmod(0o700)
            goes_on(process)
    assert process.wait(timeout=PATIENCE) == 0
    warned = [line for line in lines if line.startswith("warning")]
    if not warned:
        pytest.skip("permissions do not hold here")
    assert len(warned) == 1 and "ermission denied" in warned[0]
    assert lines[-1] == "trained"
    steps = logged(log_dir)["conv"]
    assert steps == sorted(set(steps)) and {0, 1, 2, 3, 4, 5, 60} <= set(steps)


def test_tf_summary_on_a_full_file_system(small_disk):
    """A loop with tf.summary goes on, as with any of its summaries; what it wrote is whole."""
    writer = tf.summary.create_file_writer(str(small_disk), max_queue=0)
    with writer.as_default():
        for step in range(60):
            tba.activations("conv", tf.random.normal([4, 16, 16, 8]), step)
    steps = logged(small_disk)["conv"]
    assert steps and steps == list(range(len(steps)))


def test_two_trainings_into_one_directory(tmp_path):
    """Two processes that log into one directory at once write files of their own, both whole."""
    both = [start(tmp_path, 4), start(tmp_path, 4)]
    for process in both:
        assert finished(process)[-1] == "trained"
    assert len(list(tmp_path.glob("*tfevents*"))) == 2
    assert sorted(logged(tmp_path)["conv"]) == sorted([*range(5)] * 2)


def test_nan_from_the_first_step(tmp_path):
    """A model whose weights are NaN from the start is logged, and is no reason to warn."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")])
    model.compile("sgd", "mse")
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    x = np.ones((8, 4), "float32")
    watch = tba.ActivationsCallback(tmp_path, x, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        model.fit(x, np.ones((8, 3)), epochs=2, verbose=0, callbacks=[watch])
    assert logged(tmp_path)["dense"] == [0, 1, 2]


def test_shapes_that_change_from_step_to_step(tmp_path):
    """The same name may be logged with other shapes, channels and dtypes at every step."""
    arrays = [
        tf.random.normal([2, 8, 8, 3]),
        tf.random.normal([5, 4, 4, 7]),
        tf.zeros([1, 6], tf.int32),
        tf.zeros([0, 6]),
        tf.ones([2, 3, 4, 5, 6], tf.bfloat16),
    ]
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for step, array in enumerate(arrays):
            assert tba.activations("layer", array, step)
    assert logged(tmp_path)["layer"] == [0, 1, 2, 3, 4]


def test_threads_may_log_at_once(tmp_path):
    """Several threads write to one writer at once; no record is lost or torn."""
    writer = tf.summary.create_file_writer(str(tmp_path))

    def log(name):
        with writer.as_default():
            for step in range(10):
                tba.activations(name, tf.random.normal([2, 8, 8, 4]), step)

    threads = [threading.Thread(target=log, args=(f"layer{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    found = logged(tmp_path)
    assert {tag: len(steps) for tag, steps in found.items()} == {f"layer{i}": 10 for i in range(4)}


@pytest.mark.skipif(not SOAK, reason="takes 2 GB: TBA_SOAK=1")
def test_two_gigabytes_are_refused_where_they_are_passed(tmp_path):
    """A tensor of 2 GB raises before anything is written; fewer examples of it are kept well."""
    large = tf.zeros([2, 16384, 16384, 1])
    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=0):
        with pytest.raises(ValueError, match="max_outputs"):
            tba.activations("large", large, precision="float32")
        tba.activations("small", large[:, :64, :64])
    assert logged(tmp_path) == {"small": [0]}


@pytest.mark.skipif(not SOAK, reason="takes 2 GB: TBA_SOAK=1")
def test_two_gigabytes_in_a_graph_of_unknown_shapes_are_left_out(tmp_path, capfd):
    """Where only a step shows the size, values are left out with one warning; all else stays."""
    writer = tf.summary.create_file_writer(str(tmp_path))
    signature = [tf.TensorSpec(None, tf.float32), tf.TensorSpec([], tf.int64)]

    @tf.function(input_signature=signature)
    def train_step(tensor, step):
        with writer.as_default():
            tba.activations("unknown", tensor, step, precision="float32")
        return tf.reduce_max(tensor)

    for step in range(2):
        assert train_step(tf.ones([2, 16384, 16384, 1]), step) == 1
    assert train_step(tf.ones([2, 4, 4, 1]), 2) == 1
    writer.close()
    headers = [record.parse_header(blobs[Blob.HEADER]) for _, _, blobs in records(tmp_path)]
    assert [header.omitted for header in headers] == ["size", "size", None]
    assert capfd.readouterr().err.count("the values of 'unknown' take over") == 1


@pytest.mark.skipif(not SOAK, reason="takes 2 GB: TBA_SOAK=1")
def test_two_gigabytes_of_a_layer_are_refused_before_training(tmp_path):
    """The callback names the layer and what to lower, before the first step of training."""
    large = keras.layers.UpSampling2D((256, 128), name="large")
    model = keras.Sequential(
        [keras.Input((128, 128, 1)), large, keras.layers.GlobalAveragePooling2D()]
    )
    model.compile("sgd", "mse")
    x = np.ones((1, 128, 128, 1), "float32")
    watch = tba.ActivationsCallback(tmp_path, x, ["large"], precision="float32")
    with pytest.raises(ValueError, match=r"'large' would write 2,147,483,648 bytes.*max_outputs"):
        model.fit(x, np.ones((1, 1)), verbose=0, callbacks=[watch])
    assert not list(tmp_path.glob("*tfevents*"))


def test_an_error_of_the_users_own_is_raised_as_it_is(tmp_path):
    """What another callback raises is what `fit` raises, with the callback in place."""

    class Fails(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise ZeroDivisionError("mine")

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")])
    model.compile("sgd", "mse")
    x = np.ones((8, 4), "float32")
    watch = tba.ActivationsCallback(tmp_path, x, verbose=0)
    with pytest.raises(ZeroDivisionError, match="mine"):
        model.fit(x, np.ones((8, 3)), verbose=0, callbacks=[watch, Fails()])
    watch.flush()
    assert logged(tmp_path)["dense"] == [0]
