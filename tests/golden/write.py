"""Writes the golden logs: `PYTHONPATH=TREE python tests/golden/write.py DIRECTORY [--op]`.

Not to be run over what lies here: these bytes are what was written once, and every later version
reads them to the same values (`test_golden.py`). A change of the format adds a directory beside the
others, written by the first commit that has it, and replaces none:

- `format-1/first`: by 9b203eb, the first commit with `activations_pb`. A `png` page is a row for
  each byte of each plane, which is refused today; the header has no `statistics`.
- `format-1/rows`: by the parent of f6cf96c. As before, the statistics of a wide layer in such a
  page too.
- `format-1/row`: by 859a813, with `--op`. A `png` page is one row; with `--op` TensorFlow's op
  writes some of the records, among them one of more than 1 GiB, whose values it leaves out.

Public names alone, so that the script runs with any commit of the package.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer import record_writer

import tb_activations as tba

START = 1_700_000_000.0
LABELS = ["cat", "дом", "<b>船</b>"]


def ramp(*shape: int) -> np.ndarray:
    """Float32 values that differ, both signs and zeros among them, and that compress well."""
    return (np.arange(np.prod(shape)) % 37 - 9).reshape(shape).astype(np.float32) / 8


def broken() -> np.ndarray:
    """NaN, both infinities, a dead and a constant channel."""
    values = ramp(3, 4, 4, 5)
    values[0, 1, 2, 0], values[1, 0, 0, 1], values[2, 3, 3, 1] = np.nan, np.inf, -np.inf
    values[..., 3], values[..., 4] = 0, 2.5
    return values


def sparse(*shape: int) -> np.ndarray:
    """Float32 zeros but for a few values: large planes that take few bytes."""
    values = np.zeros(shape, np.float32)
    places = np.linspace(0, values.size - 1, 7).astype(int)
    values.reshape(-1)[places] = np.arange(1, 8)
    return values


def layers() -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    """Tag → what is logged, `[n, …, c]`, and the options."""
    import ml_dtypes  # comes with TensorFlow and JAX

    colours = (np.arange(3 * 4 * 5 * 3) % 256).reshape(3, 4, 5, 3).astype(np.uint8)
    extremes = np.array([[1e300, -1e285, 0], [1e299, 5e-324, 7e292]])
    return {
        "input": (colours, {"kind": "input", "labels": LABELS}),
        "dense": (ramp(3, 5), {"order": 0, "description": "*units*"}),
        "sequence": (ramp(2, 4, 3).astype(ml_dtypes.bfloat16), {"order": 1}),
        "image": (broken(), {"order": 2}),
        "volume": (ramp(2, 2, 3, 4, 2).astype(np.float16), {"order": 3}),
        "exact": (ramp(2, 3, 3, 2) / 3, {"precision": "float32"}),
        "float64": (extremes, {}),
        "float64 exact": (extremes, {"precision": "float32"}),
        "int64": (np.array([[2**62, -3], [5, 0]]), {}),
        "int16": (np.array([[-(2**15), 77]], np.int16), {"precision": "float32"}),
        "bool": (ramp(2, 3, 2) > 0, {}),
        "subset": (ramp(5, 2, 2, 7), {"max_outputs": 2, "max_channels": 3}),
        "channels first": (ramp(2, 3, 4, 5), {"data_format": "channels_first"}),
        "png": (ramp(2, 8, 8, 40), {"compression": 9}),
        "png exact": (ramp(1, 16, 16, 16) / 3, {"precision": "float32", "compression": 9}),
        "png dense": (ramp(30, 140), {"compression": 9, "max_outputs": 30}),
        "wide": (ramp(1, 171), {"compression": 9}),
        "folded": (sparse(1, 390, 390, 2), {"precision": "float32", "compression": 9}),
        "no values": (np.zeros((0, 3, 3, 2), np.float32), {}),
    }


def write(path: Path) -> None:
    """Steps 0 and 5 of the first layers, step 5 of all."""
    with open(path, "wb") as file:
        writer = record_writer.RecordWriter(file)
        writer.write(_event(0, START, file_version="brain.Event:2"))
        for step in (0, 5):
            for tag, (array, options) in layers().items():
                if step == 5 or tag in ("dense", "image"):
                    data = (array * (step + 1) / 6).astype(array.dtype) if step == 0 else array
                    summary = tba.activations_pb(tag, data, **options)
                    writer.write(_event(step, START + step, summary=summary))


def _event(step: int, wall_time: float, **what: Any) -> bytes:
    return event_pb2.Event(step=step, wall_time=wall_time, **what).SerializeToString()


def write_with_the_op(directory: Path) -> None:
    """What the op writes eagerly and in a graph; the last without its values. Takes 5 GB."""
    import tensorflow as tf

    signature = [tf.TensorSpec(None, tf.float32), tf.TensorSpec([], tf.int64)]
    writer = tf.summary.create_file_writer(str(directory))

    @tf.function(input_signature=signature)
    def in_a_graph(tensor: Any, step: Any) -> None:
        with writer.as_default():
            tba.activations("in a graph", tensor, step, compression=9, precision="float32")

    with writer.as_default(step=5):
        for tag, (array, options) in layers().items():
            if tag in ("sequence", "image", "png", "wide", "subset"):
                tba.activations(f"op/{tag}", array, **options)
    in_a_graph(ramp(2, 8, 8, 40), 5)
    in_a_graph(tf.ones([2, 16384, 16384, 1]), 6)
    writer.close()
    (path,) = directory.glob("*.v2")
    path.rename(directory / "events.out.tfevents.1700000001.golden")


def main(directory: str, *more: str) -> None:
    where = Path(directory)
    where.mkdir(parents=True)
    if "--op" in more:
        write_with_the_op(where)
    write(where / "events.out.tfevents.1700000000.golden")


if __name__ == "__main__":
    main(*sys.argv[1:])
