"""What logging one layer costs an epoch: tf-explain, tf.summary.image, tf.summary.histogram, ours.

The demo's ConvNet after two epochs on digits, its layer of 64 channels (24×24×64), the same
weights for everyone. One process a contender and number of examples; updates and eager forward
passes in turn, so that a noisy machine disturbs both.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import harness

LAYER = "conv2"
COUNTS = (1, 8, 64, 1000)
MANY = 10_000
IMPORTS = {
    "tf-explain": "tf_explain.callbacks.activations_visualization",
    "tf.summary.image": "tensorflow",
    "tf.summary.histogram": "tensorflow",
    "ours": "tb_activations.training.keras.callback",
    "ours, all layers": "tb_activations.training.keras.callback",
}
CONTENDERS = tuple(IMPORTS)
ALL_LAYERS_AT = (8, 1000)
SIDE, CHANNELS = 24, 64
SLICE_BYTES = {
    "ours": 32 * 24 * 24 * 64 * 4,
    "ours, all layers": 32 * (26 * 26 * 32 + 24 * 24 * 64 + 22 * 22 * 128 + 128 + 10) * 4,
}
KEPT = 4  # max_outputs of ours, the default

OPTIONS: dict[str, Any] = {"max_outputs": KEPT, "log_inputs": False, "verbose": 0}

Update = Callable[[], None]


def weights() -> str:
    """Trains the ConvNet and returns the file of its weights."""
    import keras

    from demo import datasets, keras_net

    keras.utils.set_random_seed(0)
    digits = datasets.load("digits")
    model = keras_net.build_model(digits.images.shape[1:], 10)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, epochs=2, verbose=0)
    path = Path(tempfile.mkdtemp()) / "convnet.weights.h5"
    model.save_weights(path)
    return str(path)


def one(contender: str, examples: int, weights_file: str) -> dict[str, Any]:
    """Thread time and CPU of updates ÷ those of eager forward passes, memory, bytes, quality."""
    import keras

    from demo import datasets, keras_net

    importlib.import_module(IMPORTS[contender])
    digits = datasets.load("digits")
    images = np.resize(digits.held_out_images, (examples, *digits.held_out_images.shape[1:]))
    model = keras_net.build_model(images.shape[1:], 10)
    model.load_weights(weights_file)
    model.compile("adam", "sparse_categorical_crossentropy")
    layer = keras.Model(model.inputs, model.get_layer(LAYER).output)
    forward = model if contender == "ours, all layers" else layer
    with tempfile.TemporaryDirectory() as directory:
        forward(images[:32], training=False)
        ready: list[Update] = []

        def first() -> None:
            ready.extend(PREPARE[contender](model, images, directory))
            for step in ready:
                step()

        memory = _peak_memory(first)
        update, finish = ready
        forward(images, training=False)
        before = _size(directory)
        pairs = [_pair(update, finish, lambda: forward(images, training=False))]
        written = _size(directory) - before
        repeats = (9, 3) if examples < 1000 else (4, 1)
        pairs += [
            _pair(update, finish, lambda: forward(images, training=False))
            for _ in range(repeats[contender == "tf-explain"])
        ]
        levels, error = QUALITY.get(contender, _no_quality)(layer, images, directory)
    return {
        "thread": [logged[0] / plain[0] for logged, plain in pairs],
        "cpu": [logged[1] / plain[1] for logged, plain in pairs],
        "forward": float(np.median([plain[0] for _, plain in pairs])),
        "memory": memory,
        "bytes": written,
        "levels": levels,
        "error": error,
    }


def _pair(update: Update, finish: Update, forward: Update) -> tuple[Any, Any]:
    """(wall of the training thread, CPU of the process until all is on disk), twice."""
    return _timed(update, finish), _timed(forward, lambda: None)


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
    return tf_explain_of(LAYER, model, images, directory)


def tf_explain_of(
    layer: str, model: Any, images: np.ndarray, directory: str
) -> tuple[Update, Update]:
    """An update of tf-explain's callback of this layer, and what puts it on disk."""
    from tf_explain.callbacks.activations_visualization import ActivationsVisualizationCallback

    callback = ActivationsVisualizationCallback((images, None), [layer], directory)
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

    return _callback(model, tba.ActivationsCallback(directory, images, [LAYER], **OPTIONS))


def _prepare_all_layers(model: Any, images: np.ndarray, directory: str) -> tuple[Update, Update]:
    import tb_activations as tba

    return _callback(model, tba.ActivationsCallback(directory, images, **OPTIONS))


def _callback(model: Any, callback: Any) -> tuple[Update, Update]:
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    return lambda: callback.on_epoch_end(0), callback.flush


PREPARE: dict[str, Callable[[Any, np.ndarray, str], tuple[Update, Update]]] = {
    "tf-explain": _prepare_tf_explain,
    "tf.summary.image": _prepare_image,
    "tf.summary.histogram": _prepare_histogram,
    "ours": _prepare_ours,
    "ours, all layers": _prepare_all_layers,
}


def _quality(shown: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """(median levels a channel, largest error ÷ the channel's range) of `[n, h, w, c]`."""
    channels = [(shown[..., i], true[..., i]) for i in range(true.shape[-1])]
    varying = [(a, b) for a, b in channels if b.max() > b.min()]
    levels = float(np.median([len(np.unique(a[0])) for a, _ in varying]))
    return levels, max(float(np.abs(a - b).max() / (b.max() - b.min())) for a, b in varying)


def _logged(directory: str) -> Any:
    """The summary value that was written last."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    (path,) = Path(directory).rglob("*tfevents*")
    *_, event = EventFileLoader(str(path)).Load()
    return event.summary.value[0]


def _greys(picture: bytes) -> np.ndarray:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    grey = np.asarray(Image.open(io.BytesIO(picture)))
    return grey if grey.ndim == 2 else grey[..., 0]


def _unscaled(grey: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Values of 8-bit pictures, given the global minimum and maximum, which no picture holds."""
    low, high = min(0.0, float(true.min())), float(true.max())
    return grey / 255 * (high - low) + low


def _quality_tf_explain(layer: Any, images: np.ndarray, directory: str) -> tuple[float, float]:
    """Of the tiles in the mosaic: examples by channels, as many across as down."""
    true = np.asarray(layer.predict(images, verbose=0))
    mosaic = _greys(_logged(directory).tensor.string_val[2])
    across = mosaic.shape[1] // SIDE
    all_tiles = mosaic.reshape(-1, SIDE, across, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
    tiles = all_tiles[: len(true) * CHANNELS].reshape(len(true), CHANNELS, SIDE, SIDE)
    return _quality(_unscaled(np.moveaxis(tiles, 1, -1), true), true)


def _quality_image(layer: Any, images: np.ndarray, directory: str) -> tuple[float, float]:
    true = np.asarray(layer(images[:KEPT]))
    tiles = np.stack([_greys(blob) for blob in _logged(directory).tensor.string_val[2:]])
    tiles = tiles.reshape(len(true), CHANNELS, SIDE, SIDE)
    return _quality(_unscaled(np.moveaxis(tiles, 1, -1), true), true)


def _quality_ours(layer: Any, images: np.ndarray, directory: str) -> tuple[float, float]:
    from tb_activations import record

    blobs = _logged(directory).tensor.string_val
    whole = record.WholeRecord(blobs)
    stored = record.read_values(whole)
    shown = np.moveaxis(record.restore(stored, whole.header.exponent), 1, -1)
    return _quality(shown, np.asarray(layer(images[: len(shown)])))


def _no_quality(*_: Any) -> tuple[float, float]:
    return math.nan, math.nan


QUALITY: dict[str, Callable[[Any, np.ndarray, str], tuple[float, float]]] = {
    "tf-explain": _quality_tf_explain,
    "tf.summary.image": _quality_image,
    "ours": _quality_ours,
}


def sections(full: bool) -> list[harness.Section]:
    file = harness.in_process("benchmarks.epoch", "weights")
    found = {
        (contender, count): harness.in_process(
            "benchmarks.epoch", "one", contender=contender, examples=count, weights_file=file
        )
        for count in sorted((*COUNTS, *((256, MANY) if full else ())))
        for contender in CONTENDERS
        if _can(contender, count)
    }
    return [
        harness.Section(
            "An epoch's logging",
            "One layer of 24×24×64, the demo's ConvNet on digits. Time on the training thread (a "
            "wait for a full queue included) and CPU of the process until all is on disk, both ÷ "
            "one eager forward pass to that layer over the same examples: the median and the "
            "quartiles of pairs measured in turn. tf-explain writes every example into one mosaic; "
            f"tf.summary.image and ours write {KEPT} examples, ours with statistics over all; the "
            "histogram knows neither channels nor places. Memory: how far the first update, set-up "
            "included, raises the peak. Levels: distinct values of a channel of one example that "
            "the file holds, the median. Error: the largest ÷ its channel's range, where the "
            "pictures are given the scale that they do not store. *Ours, all layers* logs five "
            "layers and is measured against the whole forward pass.",
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
            [_row(contender, count, result) for (contender, count), result in found.items()],
            list(_targets(found)),
            "tf-explain shows all examples at once, in a picture that any viewer opens, and "
            "tf.summary.image needs no plugin and takes half the bytes; both keep 8 bits of one "
            "scale. The histogram is the smallest by far, and covers the whole batch.",
        )
    ]


def _can(contender: str, count: int) -> bool:
    """The histogram of 10,000 examples would take 110 GB."""
    if contender == "ours, all layers":
        return count in ALL_LAYERS_AT
    return contender != "tf.summary.histogram" or count < MANY


def _row(contender: str, count: int, result: dict[str, Any]) -> list[str]:
    kept = (count if contender == "tf-explain" else min(KEPT, count)) * SIDE * SIDE * CHANNELS
    picture = contender in QUALITY
    return [
        f"{count}",
        contender,
        harness.spread(result["thread"]),
        harness.spread(result["cpu"]),
        harness.megabytes(max(0, result["memory"])),
        harness.megabytes(result["bytes"]),
        f"{result['bytes'] / kept:.2f}" if picture else "",
        f"{result['levels']:.0f}" if picture else "",
        f"{100 * result['error']:.3f} %" if picture else "",
    ]


def _targets(found: dict[Any, dict[str, Any]]) -> Iterator[harness.Target]:
    for (contender, count), result in found.items():
        if count < 8 or contender not in SLICE_BYTES:
            continue
        floor = f"1, the forward pass ({1000 * result['forward']:.1f} ms)"
        thread, cpu = harness.median(result["thread"]), harness.median(result["cpu"])
        limit = 2.0 if contender == "ours" else 3.0
        yield harness.Target(f"{contender}: thread, {count} examples", thread, limit, floor=floor)
        if contender == "ours":
            yield harness.Target(f"ours: CPU, {count} examples", cpu, 4.0, floor=floor)
    for contender, slice_bytes in SLICE_BYTES.items():
        yield harness.Target(
            f"{contender}: memory at 1000 examples beyond a slice's activations",
            (found[contender, 1000]["memory"] - slice_bytes) / 2**20,
            50,
            " MiB",
            floor=f"0 beyond the slice's {slice_bytes / 2**20:.1f} MiB",
        )


if __name__ == "__main__":
    for part in sections(full=False):
        print(part.markdown())
