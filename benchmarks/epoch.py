"""What logging one layer costs an epoch: tf-explain, tf.summary.image, tf.summary.histogram, ours.

The demo's ConvNet after two epochs on digits, its layer of 64 channels (24×24×64), the same
weights for everyone. One process a contender and number of examples.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import harness

LAYER = "conv2"
COUNTS = (1, 8, 64, 256, 1000)
MANY = 10_000
CONTENDERS = ("tf-explain", "tf.summary.image", "tf.summary.histogram", "ours")
IMPORTS = {
    "tf-explain": "tf_explain.callbacks.activations_visualization",
    "tf.summary.image": "tensorflow",
    "tf.summary.histogram": "tensorflow",
    "ours": "tb_activations.callback",
}
KEPT = 4  # max_outputs of ours, the default

Update = Callable[[], None]


def weights() -> str:
    """Trains the ConvNet and returns the file of its weights."""
    import keras

    from demo import datasets, train

    keras.utils.set_random_seed(0)
    digits = datasets.load("digits")
    model = train.build_model(digits.images.shape[1:], 10)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, epochs=2, verbose=0)
    path = Path(tempfile.mkdtemp()) / "convnet.weights.h5"
    model.save_weights(path)
    return str(path)


def one(contender: str, examples: int, weights_file: str) -> dict[str, float]:
    """Thread time and CPU of one update ÷ those of one eager forward pass, memory, bytes."""
    import keras

    from demo import datasets, train

    importlib.import_module(IMPORTS[contender])
    digits = datasets.load("digits")
    images = np.resize(digits.held_out_images, (examples, *digits.held_out_images.shape[1:]))
    model = train.build_model(images.shape[1:], 10)
    model.load_weights(weights_file)
    model.compile("adam", "sparse_categorical_crossentropy")
    layer = keras.Model(model.inputs, model.get_layer(LAYER).output)
    with tempfile.TemporaryDirectory() as directory:
        layer(images[:32], training=False)
        ready: list[Update] = []

        def first() -> None:
            ready.extend(PREPARE[contender](model, images, directory))
            for step in ready:
                step()

        memory = _peak_memory(first)
        update, finish = ready
        before = _size(directory)
        update()
        finish()
        written = _size(directory) - before
        repeats = 3 if examples >= 1000 else 7
        updates = [_timed(update, finish) for _ in range(repeats)]
        forward = harness.cost(lambda: layer(images, training=False), repeats, warm=2)
        levels, error = QUALITY[contender](layer, images, directory)
    return {
        "thread": float(np.median([t for t, _ in updates])) / forward.wall,
        "cpu": float(np.median([c for _, c in updates])) / forward.cpu,
        "seconds": float(np.median([t for t, _ in updates])),
        "forward": forward.wall,
        "memory": memory,
        "bytes": written,
        "levels": levels,
        "error": error,
    }


def _timed(update: Update, finish: Update) -> tuple[float, float]:
    """(wall of the training thread, CPU of the process until all is on disk)."""
    cpu, wall = time.process_time(), time.perf_counter()
    update()
    wall = time.perf_counter() - wall
    finish()
    return wall, time.process_time() - cpu


def _size(directory: str) -> int:
    return sum(path.stat().st_size for path in Path(directory).rglob("*tfevents*"))


def _peak_memory(work: Callable[[], Any]) -> float:
    """How far the resident memory rises above where it was, in bytes; NaN off Linux."""
    status, peaks = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    try:
        peaks.write_text("5")
    except OSError:
        return math.nan
    before = _field(status, "VmRSS")
    work()
    return _field(status, "VmHWM") - before


def _field(status: Path, name: str) -> int:
    lines = status.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def _prepare_tf_explain(model: Any, images: np.ndarray, directory: str) -> tuple[Update, Update]:
    from tf_explain.callbacks.activations_visualization import ActivationsVisualizationCallback

    callback = ActivationsVisualizationCallback((images, None), [LAYER], directory)
    callback.set_model(model)

    def update() -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # its predict() draws a progress bar
            callback.on_epoch_end(0)

    return update, callback.file_writer.flush


def _prepare_image(model: Any, images: np.ndarray, directory: str) -> tuple[Update, Update]:
    """As its users write it: the kept examples' channels as pictures, scaled to 0..1."""
    import keras
    import tensorflow as tf

    layer = keras.Model(model.inputs, model.get_layer(LAYER).output)
    writer = tf.summary.create_file_writer(directory)
    function = tf.function(lambda x: layer(x, training=False))

    def update() -> None:
        values = function(images)[:KEPT]
        low, high = tf.reduce_min(values), tf.reduce_max(values)
        scaled = (tf.transpose(values, [0, 3, 1, 2]) - low) / (high - low)
        with writer.as_default(0):
            tf.summary.image(
                LAYER, tf.reshape(scaled, [-1, *scaled.shape[2:], 1]), max_outputs=10_000
            )

    return update, writer.flush


def _prepare_histogram(model: Any, images: np.ndarray, directory: str) -> tuple[Update, Update]:
    import keras
    import tensorflow as tf

    layer = keras.Model(model.inputs, model.get_layer(LAYER).output)
    writer = tf.summary.create_file_writer(directory)
    function = tf.function(lambda x: layer(x, training=False))

    def update() -> None:
        with writer.as_default(0):
            tf.summary.histogram(LAYER, function(images))

    return update, writer.flush


def _prepare_ours(model: Any, images: np.ndarray, directory: str) -> tuple[Update, Update]:
    import tb_activations as tba

    callback = tba.ActivationsCallback(
        directory, images, [LAYER], max_outputs=KEPT, log_inputs=False, verbose=0
    )
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    return lambda: callback.on_epoch_end(0), callback.flush


PREPARE: dict[str, Callable[[Any, np.ndarray, str], tuple[Update, Update]]] = {
    "tf-explain": _prepare_tf_explain,
    "tf.summary.image": _prepare_image,
    "tf.summary.histogram": _prepare_histogram,
    "ours": _prepare_ours,
}


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """What a global minimum and maximum and 8 bits leave, in the values' units."""
    low, high = values.min(), values.max()
    return np.floor((values - low) / (high - low) * 255) / 255 * (high - low) + low


def _quality(shown: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """(median levels a channel, largest error ÷ the channel's range) of `[n, h, w, c]`."""
    channels = [(shown[..., i], true[..., i]) for i in range(true.shape[-1])]
    varying = [(a, b) for a, b in channels if b.max() > b.min()]
    levels = float(np.median([len(np.unique(a[0])) for a, _ in varying]))
    return levels, max(float(np.abs(a - b).max() / (b.max() - b.min())) for a, b in varying)


def _quality_tf_explain(layer: Any, images: np.ndarray, _: str) -> tuple[float, float]:
    true = np.asarray(layer.predict(images[:256], verbose=0))
    return _quality(_eight_bits(true), true)


def _quality_image(layer: Any, images: np.ndarray, _: str) -> tuple[float, float]:
    true = np.asarray(layer(images[:KEPT]))
    return _quality(_eight_bits(true), true)


def _quality_ours(layer: Any, images: np.ndarray, directory: str) -> tuple[float, float]:
    """Of what stands in the event file."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    from tb_activations import record

    (path,) = Path(directory).rglob("*tfevents*")
    *_, event = EventFileLoader(str(path)).Load()
    blobs = event.summary.value[0].tensor.string_val
    header, every = record.parse_header(blobs[0]), slice(None)
    stored = record.decode(header, dict(enumerate(blobs[record.FIRST_PAGE :])), every, every)
    shown = np.moveaxis(record.restore(stored, header.exponent), 1, -1)
    return _quality(shown, np.asarray(layer(images[: len(shown)])))


QUALITY: dict[str, Callable[[Any, np.ndarray, str], tuple[float, float]]] = {
    "tf-explain": _quality_tf_explain,
    "tf.summary.image": _quality_image,
    "tf.summary.histogram": lambda *_: (math.nan, math.nan),
    "ours": _quality_ours,
}


def sections(full: bool) -> list[harness.Section]:
    file = harness.in_process("benchmarks.epoch", "weights")
    counts = (*COUNTS, MANY) if full else (8, 1000)
    rows, found = [], {}
    for count in counts:
        for contender in CONTENDERS:
            result = harness.in_process(
                "benchmarks.epoch", "one", contender=contender, examples=count, weights_file=file
            )
            found[contender, count] = result
            rows.append(_row(contender, count, result))
    return [
        harness.Section(
            "An epoch's logging",
            "One layer of 24×24×64, the demo's ConvNet on digits. Time on the training thread and "
            "CPU of the process until all is on disk, both ÷ one eager forward pass to that layer. "
            "tf-explain writes every example into one mosaic; tf.summary.image and ours write "
            f"{KEPT} examples, ours with statistics over all; the histogram has no channels and no "
            "place. Memory: how far the first update, set-up included, raises the peak. "
            "Levels: distinct values of a channel of one example, the median. Error: the "
            "largest ÷ its channel's range.",
            [
                "examples",
                "",
                "thread",
                "CPU",
                "memory",
                "bytes",
                "bytes a value",
                "levels",
                "error",
            ],
            rows,
            list(_targets(found, counts)),
        )
    ]


def _row(contender: str, count: int, result: dict[str, float]) -> list[str]:
    kept = (count if contender == "tf-explain" else min(KEPT, count)) * 24 * 24 * 64
    picture = contender != "tf.summary.histogram"
    return [
        f"{count}",
        contender,
        f"{result['thread']:.2f}",
        f"{result['cpu']:.2f}",
        harness.megabytes(max(0, result["memory"])),
        harness.megabytes(result["bytes"]),
        f"{result['bytes'] / kept:.2f}" if picture else "",
        f"{result['levels']:.0f}" if picture else "",
        f"{100 * result['error']:.3f} %" if picture else "",
    ]


def _targets(found: dict[Any, dict[str, float]], counts: tuple[int, ...]) -> Any:
    for count in counts:
        if count >= 8:
            ours = found["ours", count]
            floor = f"1, the forward pass ({1000 * ours['forward']:.1f} ms)"
            yield harness.Target(f"thread, {count} examples", ours["thread"], 2.0, floor=floor)
            yield harness.Target(f"CPU, {count} examples", ours["cpu"], 4.0, floor=floor)
    slice_bytes = 32 * 24 * 24 * 64 * 4
    yield harness.Target(
        "extra memory at 1000 examples beyond a slice's activations",
        (found["ours", 1000]["memory"] - slice_bytes) / 2**20,
        50,
        " MiB",
        floor=f"a slice's activations: {slice_bytes / 2**20:.1f} MiB",
    )


if __name__ == "__main__":
    for part in sections(full=False):
        print(part.markdown())
