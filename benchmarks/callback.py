"""What one update of ActivationsCallback costs: one layer of 64 channels, and all layers.

The demo's ConvNet after two epochs on digits. One process a measurement; an update and an eager
forward pass in turn, so that a noisy machine disturbs both.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks import epoch, harness

COUNTS = (1, 8, 64, 256, 1000)
SLICE_BYTES = {
    "one layer": 32 * 24 * 24 * 64 * 4,
    "all layers": 32 * (26 * 26 * 32 + 24 * 24 * 64 + 22 * 22 * 128 + 128 + 10) * 4,
}


def one(layers: list[str] | None, examples: int, weights_file: str) -> dict[str, float]:
    """An update ÷ an eager forward pass to the last of the layers; memory, bytes."""
    import keras

    import tb_activations as tba
    from demo import datasets, train

    digits = datasets.load("digits")
    images = np.resize(digits.held_out_images, (examples, *digits.held_out_images.shape[1:]))
    model = train.build_model(images.shape[1:], 10)
    model.load_weights(weights_file)
    model.compile("adam", "sparse_categorical_crossentropy")
    last = [model.get_layer(layers[-1]).output] if layers else model.outputs
    forward = keras.Model(model.inputs, last)
    with tempfile.TemporaryDirectory() as directory:
        callback = tba.ActivationsCallback(directory, images, layers, log_inputs=False, verbose=0)
        callback.set_model(model)
        callback.on_train_begin()
        # The first update, whose memory nothing before it has made resident.
        memory = epoch._peak_memory(lambda: (callback.on_epoch_begin(0), callback.flush()))
        before = epoch._size(directory)
        callback.on_epoch_end(0)
        callback.flush()
        written = epoch._size(directory) - before
        forward(images, training=False)
        repeats = 5 if examples >= 1000 else 15
        pairs = [_pair(callback, forward, images) for _ in range(repeats)]
    return {
        "thread": statistics.median(update[0] / plain[0] for update, plain in pairs),
        "cpu": statistics.median(update[1] / plain[1] for update, plain in pairs),
        "forward": statistics.median(plain[0] for _, plain in pairs),
        "memory": memory,
        "bytes": written,
    }


def _pair(callback: Any, forward: Any, images: np.ndarray) -> tuple[Any, Any]:
    """((thread wall, process CPU) of an update, the same of the eager pass)."""
    update = epoch._timed(lambda: callback.on_epoch_end(0), callback.flush)
    cpu, wall = time.process_time(), time.perf_counter()
    forward(images, training=False)
    return update, (time.perf_counter() - wall, time.process_time() - cpu)


def sections(full: bool) -> list[harness.Section]:
    file = harness.in_process("benchmarks.epoch", "weights")
    rows, found = [], {}
    for title, layers in (("one layer", ["conv2"]), ("all layers", None)):
        for examples in COUNTS if full or layers else (8, 1000):
            result = harness.in_process(
                "benchmarks.callback", "one", layers=layers, examples=examples, weights_file=file
            )
            found[title, examples] = result
            rows.append(_row(title, examples, result))
    header = ["", "examples", "thread", "CPU", "eager pass", "peak memory", "bytes"]
    return [
        harness.Section(
            "The callback",
            "One update of ActivationsCallback, four examples kept, statistics over all: time on "
            "the training thread (the wait for a full queue included) and CPU of the process until "
            "all is on disk, both ÷ one eager forward pass over the same examples, the median of "
            "pairs measured in turn.",
            header,
            rows,
            list(_targets(found)),
        )
    ]


def _row(title: str, examples: int, result: dict[str, float]) -> list[str]:
    return [
        title,
        f"{examples}",
        f"{result['thread']:.2f}",
        f"{result['cpu']:.2f}",
        f"{1000 * result['forward']:.1f} ms",
        harness.megabytes(max(0, result["memory"])),
        harness.megabytes(result["bytes"]),
    ]


def _targets(found: dict[Any, dict[str, float]]) -> Iterator[harness.Target]:
    floor = "1, the forward pass"
    for examples in COUNTS[1:]:
        ours = found["one layer", examples]
        yield harness.Target(f"thread, {examples} examples", ours["thread"], 2.0, floor=floor)
        yield harness.Target(f"CPU, {examples} examples", ours["cpu"], 4.0, floor=floor)
    for title, examples in found:
        if title == "all layers" and examples >= 8:
            every = found[title, examples]["thread"]
            yield harness.Target(f"thread, all layers, {examples}", every, 3.0, floor=floor)
    for title, slice_bytes in SLICE_BYTES.items():
        extra = found[title, 1000]["memory"] - slice_bytes
        yield harness.Target(
            f"memory at 1000 beyond a slice's activations, {title}",
            extra / 2**20,
            50,
            " MiB",
            floor=f"the slice: {slice_bytes / 2**20:.1f} MiB",
        )


if __name__ == "__main__":
    for part in sections(full=False):
        print(part.markdown())
