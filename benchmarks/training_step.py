"""Logging inside the training step: what it adds to wall time, CPU and disk.

A residual network on 64×64 images, batch 32, five layers × 4 examples, logged from inside the
compiled step at every step or at every tenth. Each contender runs in a process of its own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import harness

BATCH = 32
EXAMPLES = 4
CONTENDERS = {
    "ours, compression 0": "float16 values",
    "ours (default)": "float16 values",
    "ours, float32": "exact values",
    "ours, 4 examples passed in": "float16 values, statistics of the 4 alone",
    "tf.summary.image": "8 bits, clipped to 0..1",
    "tf.summary.histogram": "30 buckets of the whole batch",
}

TENTH = ("ours, compression 0", "ours (default)", "tf.summary.image")


def one(contender: str, every: int, steps: int) -> dict[str, float]:
    """Seconds a step, wall and CPU, plain and logging in turn, and bytes a value."""
    import tensorflow as tf

    from benchmarks import workloads

    model, names = workloads.residual_network()
    probe = _with_layers(model, names)
    images, labels = workloads.patches(BATCH)
    with tempfile.TemporaryDirectory() as directory:
        writer = tf.summary.create_file_writer(directory)
        plain = _step_function(probe, None, writer, every)
        logging = _step_function(probe, contender, writer, every)
        counter = tf.Variable(0, dtype=tf.int64)

        def run(function: Any) -> harness.Cost:
            def work() -> None:
                for _ in range(every):
                    function(images, labels, counter)
                    counter.assign_add(1)
                writer.flush()

            return harness.cost(work, repeats=1, warm=0)

        for function in (plain, logging):
            function(images, labels, counter)  # step 0 is due: both are traced and warm
        before = _size(directory)
        rounds = max(1, steps // every)
        pairs = [(run(plain), run(logging)) for _ in range(rounds)]
        written = _size(directory) - before
    values = sum(_kept_values(layer) for layer in _layers(model, names))
    return {
        "wall": _median([b.wall / a.wall for a, b in pairs]) - 1,
        "cpu": _median([b.cpu / a.cpu for a, b in pairs]) - 1,
        "step": _median([a.wall for a, _ in pairs]) / every,
        "bytes": written / rounds / values,
    }


def _median(values: list[float]) -> float:
    import statistics

    return statistics.median(values)


def _layers(model: Any, names: list[str]) -> list[Any]:
    return [model.get_layer(name).output for name in names]


def _kept_values(output: Any) -> int:
    height, width, channels = output.shape[1:]
    return EXAMPLES * height * width * channels


def _with_layers(model: Any, names: list[str]) -> Any:
    import keras

    outputs = dict(zip(names, _layers(model, names), strict=True))
    return keras.Model(model.inputs, {"prediction": model.output, **outputs})


def _step_function(probe: Any, contender: str | None, writer: Any, every: int) -> Any:
    """One compiled training step; what `contender` logs is inside."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam()
    optimizer.build(probe.trainable_variables)

    @tf.function
    def step(images: Any, labels: Any, counter: Any) -> Any:
        with tf.GradientTape() as tape:
            outputs = dict(probe(images, training=True))
            losses = keras.losses.sparse_categorical_crossentropy(labels, outputs.pop("prediction"))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, probe.trainable_variables)
        optimizer.apply_gradients(zip(gradients, probe.trainable_variables, strict=True))
        if contender:
            due = tf.equal(counter % every, 0)
            with writer.as_default(counter), tf.summary.record_if(due):
                for name, values in outputs.items():
                    _log(contender, name, values)
        return loss

    return step


def _log(contender: str, name: str, values: Any) -> None:
    import tensorflow as tf

    import tb_activations as tba

    if contender == "tf.summary.image":
        tiles = tf.transpose(values[:EXAMPLES], [0, 3, 1, 2])
        pictures = tf.reshape(tiles, [-1, *tiles.shape[2:], 1])
        tf.summary.image(name, pictures, max_outputs=10_000)
    elif contender == "tf.summary.histogram":
        tf.summary.histogram(name, values)
    elif contender == "ours, compression 0":
        tba.activations(name, values, max_outputs=EXAMPLES, compression=0)
    elif contender == "ours, float32":
        tba.activations(name, values, max_outputs=EXAMPLES, precision="float32")
    elif contender == "ours, 4 examples passed in":
        tba.activations(name, values[:EXAMPLES], max_outputs=EXAMPLES)
    else:
        tba.activations(name, values, max_outputs=EXAMPLES)


def _size(directory: str) -> int:
    return sum(path.stat().st_size for path in Path(directory).iterdir())


def sections(full: bool) -> list[harness.Section]:
    steps = {1: 30, 10: 60} if full else {1: 6, 10: 10}
    found = {
        (name, every): harness.in_process(
            "benchmarks.training_step", "one", contender=name, every=every, steps=steps[every]
        )
        for every, names in ((1, CONTENDERS), (10, TENTH))
        for name in names
    }
    rows = [
        [
            name,
            what,
            *(
                f"{100 * found[name, every][key]:+.1f} %" if (name, every) in found else ""
                for every in (1, 10)
                for key in ("wall", "cpu")
            ),
            f"{found[name, 1]['bytes']:.2f}",
        ]
        for name, what in CONTENDERS.items()
    ]
    image = found["tf.summary.image", 1]["wall"]
    ours = found["ours (default)", 1]["wall"]
    step = found["ours (default)", 1]["step"]
    return [
        harness.Section(
            "Inside the training step",
            f"A residual network of four stages, 64×64 images, batch {BATCH} ({step:.2f} s a step "
            f"without logging): five layers × {EXAMPLES} examples logged from inside the compiled "
            "step. What it adds to a step, the median of plain and logging steps in turn; bytes a "
            "value kept.",
            ["", "keeps", "every step: wall", "CPU", "every tenth: wall", "CPU", "bytes a value"],
            rows,
            [
                harness.Target(
                    "compression 0, every step, CPU",
                    100 * found["ours, compression 0", 1]["cpu"],
                    2,
                    " %",
                ),
                harness.Target(
                    "default, every tenth step, CPU",
                    100 * found["ours (default)", 10]["cpu"],
                    1,
                    " %",
                ),
                harness.Target(
                    "default, every step, wall (5 %, or half of tf.summary.image)",
                    100 * ours,
                    100 * max(0.05, image / 2),
                    " %",
                ),
            ],
        )
    ]


if __name__ == "__main__":
    for part in sections(full=True):
        print(part.markdown())
