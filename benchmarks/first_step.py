"""What the callback takes before and at the first record, for networks that people train.

The unit is one: tracing plus first run of the model's own graph on one slice, in the same process.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from typing import Any

from benchmarks import harness

SLICE = 32
NETWORKS: dict[str, tuple[str, int]] = {  # title: (name in keras.applications, side)
    "ResNet50V2": ("ResNet50V2", 64),
    "MobileNetV2": ("MobileNetV2", 64),
    "EfficientNetB0": ("EfficientNetB0", 64),
    "ConvNeXtTiny": ("ConvNeXtTiny", 32),
    "a small ViT": ("", 32),
}
LIMITS = {"planning": 0.1, "wall": 1.5, "record": 1.5}


def network(name: str, side: int) -> Any:
    """A network of keras.applications with random weights and five classes; "" for a small ViT."""
    import keras

    if not name:
        return _vision_transformer(side)
    make = getattr(keras.applications, name)
    return make(weights=None, input_shape=(side, side, 3), classes=5)


def _vision_transformer(side: int, width: int = 64, depth: int = 4) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((side, side, 3))
    x = layers.Conv2D(width, 4, 4, name="patches")(inputs)
    x = layers.Reshape((-1, width))(x)
    for _ in range(depth):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, width // 4)(y, y)])
        y = layers.Dense(width * 4, "gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(x))


def one(name: str, side: int) -> dict[str, float]:
    """`measured` of a network with SLICE images."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    model = network(name, side)
    return measured(model, np.random.default_rng(0).random((SLICE, side, side, 3), "float32"))


def measured(model: Any, x: Any) -> dict[str, float]:
    """Seconds: of the unit, and of planning, to the end of the first batch, to the record.

    unit_wall, unit: wall and CPU. planning: CPU. extra: wall that the hooks of the callback take
    until the first batch begins, which is all that it adds to `fit` up to the end of that batch.
    record: CPU until the first record is on disk, from the start of the callback.
    """
    import tensorflow as tf

    import tb_activations as tba
    from tb_activations.training.batch import as_inputs, leaves, mapped
    from tb_activations.training.keras.forward import build, forward, preserved
    from tb_activations.training.keras.tensors import tensor
    from tb_activations.training.plan import Plan

    inputs = mapped(tensor, as_inputs(x))
    build(model, inputs)
    _warm_up(tf)

    def forwards(*flat: Any) -> Any:
        rest = iter(flat)
        return forward(model, mapped(lambda _: next(rest), inputs))

    with preserved(model):
        unit = _timed(lambda: tf.function(forwards, autograph=False)(*leaves(inputs)))
    planning, within = [0.0], Plan.within
    Plan.within = _counted(within, planning)  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as directory:
        watch = tba.ActivationsCallback(directory, x, verbose=0)
        watch.set_model(model)

        def begin() -> None:
            watch.on_train_begin()
            watch.on_epoch_begin(0)

        begun = _timed(begin)
        record = begun[1] + _timed(watch.flush)[1]
        watch.on_train_end()
        Plan.within = within  # type: ignore[method-assign]
        return {
            "layers": float(len(watch._recorder._prepared.plan.layers)),
            "unit_wall": unit[0],
            "unit": unit[1],
            "planning": planning[0],
            "extra": begun[0],
            "record": record,
        }


def _warm_up(tf: Any) -> None:
    """Loads what TensorFlow loads with its first graph, for all that is measured alike."""
    import keras

    first = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    tf.function(first, autograph=False)(tf.zeros([2, 8, 8, 3]))


def _counted(function: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        begun = time.process_time()
        try:
            return function(*arguments)
        finally:
            spent[0] += time.process_time() - begun

    return call


def _timed(work: Callable[[], Any]) -> tuple[float, float]:
    """(wall, CPU of the process)."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def ratios(measured: dict[str, float]) -> dict[str, float]:
    """planning, wall, record: of the unit."""
    return {
        "planning": measured["planning"] / measured["unit"],
        "wall": measured["extra"] / measured["unit_wall"],
        "record": measured["record"] / measured["unit"],
    }


def sections(full: bool) -> list[harness.Section]:
    rows, targets = [], []
    for title, (name, side) in NETWORKS.items():
        runs = [
            harness.in_process("benchmarks.first_step", "one", name=name, side=side)
            for _ in range(3 if full else 1)
        ]
        found = {key: harness.median([ratios(run)[key] for run in runs]) for key in LIMITS}
        rows.append(
            [
                f"{title}, {side}²",
                f"{runs[0]['layers']:.0f}",
                f"{harness.median([run['unit'] for run in runs]):.1f} s",
                *(f"{found[key]:.2f}" for key in LIMITS),
            ]
        )
        targets += [
            harness.Target(f"{title}: {key}", found[key], limit, floor="tracing once is 1")
            for key, limit in LIMITS.items()
        ]
    header = ["network", "layers", "unit, CPU", "planning, CPU", "extra wall", "to disk, CPU"]
    return [harness.Section("Before the first step", TEXT, header, rows, targets)]


TEXT = (
    f"{SLICE} examples, random weights, all layers, all defaults. The unit is tracing plus first "
    "run of the model's own graph on that slice; the last three columns are multiples of it, in "
    "one process: planning; what the callback adds to the wall time of `fit` up to the end of the "
    "first batch; CPU until the first record is on disk."
)
