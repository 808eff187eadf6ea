"""Whether the working tree writes what an earlier commit wrote, and reads it to the same values.

    python scripts/same_records.py COMMIT

Both log the same arrays and train the same small models, each in a process of its own: with the op,
eagerly and in a graph, with `activations_pb`, and with the callback on a functional, a nested and a
volume model. Their events are compared byte for byte but for wall times, names of files and how
pages are compressed, which stand as what they hold; then each log is read by both. Public names
alone, so that modules may move in between.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "golden"))


def array(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Normal values with a NaN, an infinity, a dead and a constant channel."""
    values = np.random.default_rng(7).normal(size=shape).astype("float32") * 3
    values[..., 0], values[..., -1] = 0, 1.5
    values.flat[1], values.flat[-2] = np.nan, -np.inf
    return (
        values if dtype == "float32" else np.nan_to_num(values, posinf=9, neginf=-9).astype(dtype)
    )


# What is logged without a model: name → array, options.
ARRAYS: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "dense": (array(6, 300), {"labels": list("abcdef")}),
    "sequence": (array(2, 9, 5, dtype="float16"), {"order": 3}),
    "image": (array(5, 12, 12, 40), {"max_outputs": 3, "description": "*twelve*"}),
    "volume": (array(2, 3, 4, 5, 6), {"precision": "float32"}),
    "subset": (array(2, 16, 16, 30), {"max_channels": 7, "compression": 9}),
    "plain": (array(2, 16, 16, 30), {"compression": 0}),
    "first": (array(2, 6, 5, 4), {"data_format": "channels_first"}),
    "input": (array(3, 8, 8, 3, dtype="uint8"), {"kind": "input", "labels": [1, 2, 3]}),
    "whole": (array(4, 7, dtype="int64"), {}),
    "wide": (array(3, 20, dtype="float64") * 1e200, {}),
}


def log_pb(directory: Path) -> None:
    from tensorboard.compat.proto import event_pb2
    from tensorboard.summary.writer import record_writer

    import tb_activations as tba

    directory.mkdir(parents=True)
    with open(directory / "events.out.tfevents.1.pb", "wb") as file:
        writer = record_writer.RecordWriter(file)
        for step, (name, (data, options)) in enumerate(ARRAYS.items()):
            summary = tba.activations_pb(name, data, **options)
            writer.write(event_pb2.Event(step=step, summary=summary).SerializeToString())


def log_op(directory: Path) -> None:
    import tensorflow as tf

    import tb_activations as tba

    with tf.summary.create_file_writer(str(directory)).as_default():
        for step, (name, (data, options)) in enumerate(ARRAYS.items()):
            tba.activations(name, tf.constant(data), step, **options)


def log_graph(directory: Path) -> None:
    """In a graph that knows the shapes, and in one that knows neither shape nor rank."""
    import tensorflow as tf

    import tb_activations as tba

    writer = tf.summary.create_file_writer(str(directory))
    for name, (data, options) in ARRAYS.items():
        for known in (True, False):
            tensor = tf.constant(data)
            spec = tf.TensorSpec(tensor.shape if known else None, tensor.dtype)

            @tf.function(input_signature=[spec, tf.TensorSpec([], tf.int64)])
            def step_of_training(
                tensor: Any, step: Any, name: str = name, options: dict = options
            ) -> None:
                with writer.as_default():
                    tba.activations(name, tensor, step, **options)

            step_of_training(tensor, int(known))
    writer.close()


def functional() -> tuple[Any, tuple[int, ...]]:
    from keras import Input, Model, layers

    x = Input((16, 16, 3))
    y = layers.Conv2D(8, 3, activation="relu", name="conv")(x)
    z = layers.BatchNormalization(name="norm")(y)
    y = layers.Add(name="add")([y, z])
    y = layers.GlobalAveragePooling2D(name="pool")(y)
    y = layers.Dropout(0.3, name="drop")(y)
    return Model(x, layers.Dense(4, activation="softmax", name="out")(y)), (16, 16, 3)


def nested() -> tuple[Any, tuple[int, ...]]:
    from keras import Input, Model, Sequential, layers

    parts = [layers.Dense(12, activation="relu", name="a"), layers.Dense(10, name="b")]
    inner = Sequential([Input((10,)), *parts], name="inner")
    x = Input((10,))
    twice = inner(layers.ReLU(name="between")(inner(x)))
    return Model(x, layers.Dense(4, name="out")(twice)), (10,)


def volume() -> tuple[Any, tuple[int, ...]]:
    from keras import Input, Sequential, layers

    parts = [
        layers.Conv3D(6, 3, activation="relu", name="conv"),
        layers.MaxPooling3D(name="pool"),
        layers.Reshape((-1, 6), name="sequence"),
        layers.LSTM(5, name="lstm"),
        layers.Dense(4, name="out"),
    ]
    return Sequential([Input((8, 9, 10, 1)), *parts]), (8, 9, 10, 1)


def fit(make: Callable[[], tuple[Any, tuple[int, ...]]], **options: Any) -> Callable[[Path], None]:
    """Trains the model for two epochs of three batches with the callback."""

    def log(directory: Path) -> None:
        import keras

        import tb_activations as tba

        keras.utils.set_random_seed(1)
        model, shape = make()
        model.compile("sgd", "sparse_categorical_crossentropy")
        rng = np.random.default_rng(2)
        x, y = rng.random((24, *shape), "float32"), np.arange(24) % 4
        watch = tba.ActivationsCallback(directory, (x[:8], y[:8]), verbose=0, **options)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False, callbacks=[watch])

    return log


PARTS: dict[str, Callable[[Path], None]] = {
    "pb": log_pb,
    "op": log_op,
    "graph": log_graph,
    "functional": fit(functional, update_freq="batch"),
    "nested": fit(nested),
    "volume": fit(volume, precision="float32"),
}


def log_all(directory: Path) -> None:
    import tensorflow as tf

    import tb_activations as tba

    print(f"writing with {Path(tba.__file__).parent}", flush=True)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    for name, log in PARTS.items():
        log(directory / name)


def read_all(directory: Path) -> None:
    """Prints what the tree's reader finds, as JSON."""
    import digests

    print(json.dumps({name: digests.read(directory / name) for name in PARTS}))


def events(directory: Path) -> list[bytes]:
    """The events of a part, file by file, each without its wall time."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto import event_pb2

    found = []
    for path in sorted(directory.glob("*tfevents*")):
        for raw in RawEventFileLoader(str(path)).Load():
            event = event_pb2.Event.FromString(raw)
            if any(value.tag == "__run__" for value in event.summary.value):
                continue  # what is constant for a run: older versions wrote none
            event.ClearField("wall_time")
            for value in event.summary.value:
                inflate(value.tensor.string_val)
            found.append(event.SerializeToString(deterministic=True))
    return found


def inflate(blobs: Any) -> None:
    """Puts what the statistics and pages of a record hold in the place of their bytes."""
    from tb_activations import record

    if len(blobs) <= record.Blob.FIRST_PAGE:
        return
    header = record.parse_header(blobs[record.Blob.HEADER])
    statistics = record.parse_statistics(blobs[record.Blob.STATISTICS], header)
    values = record.read_values(record.WholeRecord(list(blobs)))
    del blobs[record.Blob.FIRST_PAGE :]
    blobs[record.Blob.STATISTICS] = statistics.tobytes()
    blobs.append(values.tobytes())


def run(tree: Path, what: str, directory: Path) -> str:
    """This script in a process of its own, with the package of `tree`; what it printed."""
    command = [sys.executable, str(Path(__file__).resolve()), f"--{what}", str(directory)]
    environment = {**os.environ, "PYTHONPATH": str(tree), "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Not in the tree: the interpreter would find our package first.
    done = subprocess.run(
        command, env=environment, cwd=directory.parent, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"error: {tree} did not {what}:\n{done.stdout}")
    return done.stdout


def compare(old: Path, new: Path) -> bool:
    """Whether both directories hold the same events; says it part by part."""
    same = True
    for name in PARTS:
        one, other = events(old / name), events(new / name)
        equal = len(one) > 1 and one == other
        same &= equal
        size = sum(map(len, one))
        verdict = f"{size:,} bytes, the same" if equal else differs(one, other)
        print(f"{name}: {len(one)} events, {verdict}")
    return same


def differs(one: list[bytes], other: list[bytes]) -> str:
    from tensorboard.compat.proto import event_pb2

    if len(one) != len(other):
        return f"where there are {len(other)} now: NOT THE SAME"
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), 0)
    event = event_pb2.Event.FromString(other[at]) if other else event_pb2.Event()
    tags = [value.tag for value in event.summary.value]
    return f"NOT THE SAME from event {at} on (step {event.step}, {tags})"


def main(commit: str) -> int:
    with tempfile.TemporaryDirectory(prefix="tba-same-") as scratch:
        tree, old, new = (Path(scratch, name) for name in ("tree", "old", "new"))
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)
        try:
            print(run(tree, "log", old), run(ROOT, "log", new), sep="", end="")
            same = compare(old, new)
            found = [
                json.loads(run(where, "read", log)) for log in (old, new) for where in (tree, ROOT)
            ]
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
    for name, (read, again) in {"old": found[:2], "new": found[2:]}.items():
        records = sum(len(steps) for tags in again.values() for steps in tags.values())
        alike = read == again and records > 0
        same &= alike
        print(f"the {name} log: {records} records, {'the same' if alike else 'NOT THE SAME'}")
    return int(not same)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", nargs="?")
    parser.add_argument("--log", type=Path)
    parser.add_argument("--read", type=Path)
    arguments = parser.parse_args()
    if arguments.log:
        log_all(arguments.log)
    elif arguments.read:
        read_all(arguments.read)
    elif arguments.commit:
        sys.exit(main(arguments.commit))
    else:
        parser.error("name a commit")
