"""Logging inside the training step: what it adds to wall time, CPU and disk.

A residual network on 64×64 images, batch 32, five layers × 4 examples, logged from inside the
compiled step, at every step or at every tenth. Each contender runs in a process of its own.
"""

from __future__ import annotations

import functools
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

from benchmarks import harness, one_logging

BATCH = 32
EXAMPLES = 4
EVERY = 10

# Name → (what it keeps, bits of a value).
CONTENDERS = {
    "ours, compression 0": ("float16 values", 16),
    "ours (default)": ("float16 values", 16),
    "ours, float32": ("exact values", 32),
    "ours, 4 examples passed in": ("float16 values, statistics of the 4 alone", 16),
    "tf.summary.image": ("8 bits, clipped to 0..1", 8),
    "tf.summary.histogram": ("30 buckets of the whole batch, no picture", 0),
}
ARITHMETIC = "20 ms of arithmetic"
SHORT = ("ours, compression 0", "ours (default)", "tf.summary.image", "tf.summary.histogram")

Timing = tuple[float, float]  # seconds: wall, CPU


def one(contender: str, steps: int) -> dict[str, Any]:
    """What steps that log take ÷ steps without logging, wall and CPU; bytes a value.

    Each is measured beside a plain one, now before it, now after it. `logging`: CPU of one logging
    by itself ÷ that of a step. `idle`: what a step takes to pass over the logging, when it is not
    its turn.
    """
    import tensorflow as tf

    from benchmarks import workloads

    model, names = workloads.residual_network()
    probe = _with_layers(model, names)
    images, labels = workloads.patches(BATCH)
    with tempfile.TemporaryDirectory() as directory:
        writer = tf.summary.create_file_writer(directory)
        plain = _step_function(probe, None, writer)
        logging = _step_function(probe, contender, writer)

        def pair(step: int, number: int) -> tuple[Timing, Timing]:
            functions = (plain, logging) if number % 2 else (logging, plain)
            first, second = (timed(function, step) for function in functions)
            return (first, second) if number % 2 else (second, first)

        def timed(function: Any, step: int) -> Timing:
            wall, cpu = time.perf_counter(), time.process_time()
            function(images, labels, tf.constant(step, tf.int64)).numpy()
            writer.flush()
            return time.perf_counter() - wall, time.process_time() - cpu

        for function in (plain, logging):
            timed(function, 0)  # both are traced, and warm
        before = _size(directory)
        pairs = [pair(EVERY * i, i) for i in range(steps)]
        written = _size(directory) - before
        shapes = [(BATCH, *layer.shape[1:]) for layer in _layers(model, names)]
        outputs = dict(probe(images, training=True))
        log = functools.partial(_log, contender)
        alone = one_logging.seconds(log, writer, {name: outputs[name] for name in names})
        idle = _passing_over(contender, writer, dict(zip(names, shapes, strict=True)))
    values = sum(_kept_values(layer) for layer in _layers(model, names))

    step = [harness.median([bare[i] for bare, _ in pairs]) for i in range(2)]
    return {
        "wall": [logged[0] / bare[0] for bare, logged in pairs],
        "cpu": [logged[1] / bare[1] for bare, logged in pairs],
        "logging": [seconds / step[1] for seconds in alone],
        "idle": {"wall": idle[0] / step[0], "cpu": idle[1] / step[1]},
        "step": step[0],
        "step_cpu": step[1],
        "bytes": written / steps / values,
        "batch_bytes": 4 * BATCH * values / EXAMPLES,
    }


def pieces() -> dict[str, float]:
    """Milliseconds of CPU that the parts of one step's default logging take by themselves."""
    import tensorflow as tf

    from benchmarks import workloads
    from tb_activations.record.options import Options
    from tb_activations.training.tensorflow.record import blobs, keep
    from tb_activations.training.tensorflow.statistics import graph_statistics

    model, names = workloads.residual_network()
    outputs = dict(_with_layers(model, names)(workloads.patches(BATCH)[0], training=True))
    layers = [outputs[name] for name in names]

    def milliseconds(work: Any) -> float:
        function = tf.function(lambda layers: [work(layer) for layer in layers])
        for _ in range(2):
            function(layers)
        taken = []
        for _ in range(15):
            cpu = time.process_time()
            [result.numpy() for result in function(layers)]
            taken.append(1000 * (time.process_time() - cpu))
        return harness.median(taken)

    def logged(layer: Any, compression: int) -> Any:
        options = Options(max_outputs=EXAMPLES, compression=compression)
        return blobs(keep(layer, "float32", options), tf.zeros([0], tf.string), "float32", options)

    def statistics(layer: Any) -> Any:
        return graph_statistics(tf.reshape(layer, [BATCH, -1, layer.shape[-1]]), False).table

    of_statistics = milliseconds(statistics)
    uncompressed = milliseconds(lambda layer: logged(layer, 0))
    return {
        "statistics": of_statistics,
        "copies": uncompressed - of_statistics,
        "png": milliseconds(lambda layer: logged(layer, 1)) - uncompressed,
    }


def _passing_over(contender: str, writer: Any, shapes: dict[str, tuple[int, ...]]) -> Timing:
    """Seconds that logging adds to a compiled step whose turn it is not, wall and CPU.

    Of a function that does nothing else: within a step of the network it is lost in the noise.
    """
    import tensorflow as tf

    layers = {name: tf.ones(shape) for name, shape in shapes.items()}

    def timed(contender: str | None, calls: int = 300) -> Timing:
        @tf.function
        def step(counter: Any, layers: Any) -> Any:
            _log_if_due(contender, layers, writer, counter)
            return counter + 1

        counter = tf.constant(1, tf.int64)
        for _ in range(10):
            step(counter, layers)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls):
            step(counter, layers).numpy()
        return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls

    bare, logging = timed(None), timed(contender)
    return max(0.0, logging[0] - bare[0]), max(0.0, logging[1] - bare[1])


def _layers(model: Any, names: list[str]) -> list[Any]:
    return [model.get_layer(name).output for name in names]


def _kept_values(output: Any) -> int:
    height, width, channels = output.shape[1:]
    return EXAMPLES * height * width * channels


def _with_layers(model: Any, names: list[str]) -> Any:
    import keras

    outputs = dict(zip(names, _layers(model, names), strict=True))
    return keras.Model(model.inputs, {"prediction": model.output, **outputs})


def _step_function(probe: Any, contender: str | None, writer: Any) -> Any:
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
        _log_if_due(contender, outputs, writer, counter)
        return loss

    return step


def _log_if_due(contender: str | None, layers: Any, writer: Any, counter: Any) -> None:
    import tensorflow as tf

    if contender:
        due = tf.equal(counter % EVERY, 0)
        with writer.as_default(counter), tf.summary.record_if(due):
            for name, values in layers.items():
                _log(contender, name, values)


def _log(contender: str, name: str, values: Any) -> None:
    import tensorflow as tf

    import tb_activations as tba

    if contender == "tf.summary.image":
        tiles = tf.transpose(values[:EXAMPLES], [0, 3, 1, 2])
        pictures = tf.reshape(tiles, [-1, *tiles.shape[2:], 1])
        tf.summary.image(name, pictures, max_outputs=10_000)
    elif contender == "tf.summary.histogram":
        tf.summary.histogram(name, values)
    elif contender == ARITHMETIC:
        tf.numpy_function(_arithmetic, [], [])
    elif contender == "ours, compression 0":
        tba.activations(name, values, max_outputs=EXAMPLES, compression=0)
    elif contender == "ours, float32":
        tba.activations(name, values, max_outputs=EXAMPLES, precision="float32")
    elif contender == "ours, 4 examples passed in":
        tba.activations(name, values[:EXAMPLES], max_outputs=EXAMPLES)
    else:
        tba.activations(name, values, max_outputs=EXAMPLES)


def _arithmetic() -> None:
    """4 ms of one thread's CPU, without Python's lock, in what the first cache holds."""
    block, end = bytes(1 << 14), time.thread_time() + 0.004
    while time.thread_time() < end:
        for _ in range(50):
            zlib.crc32(block)


def _size(directory: str) -> int:
    return sum(path.stat().st_size for path in Path(directory).iterdir())


def sections(full: bool) -> list[harness.Section]:
    found = {
        name: harness.in_process(
            "benchmarks.training_step", "one", contender=name, steps=60 if full else 12
        )
        for name in (CONTENDERS if full else SHORT)
    }
    ours, image = found["ours (default)"], found["tf.summary.image"]
    parts = harness.in_process("benchmarks.training_step", "pieces")
    every = 100 * _added(ours["wall"])
    half_of_image = 100 * _added(image["wall"]) / 2
    return [
        harness.Section(
            "Inside the training step",
            f"A residual network of four stages, 64×64 images, batch {BATCH} ({ours['step']:.2f} s "
            f"a step without logging): five layers × {EXAMPLES} examples logged from inside the "
            "compiled step, flushed. What it adds to a step that logs: the median and quartiles of "
            "steps with and without in turn. One logging: its CPU, all threads until it is on "
            f"disk, {one_logging.LOGGINGS} in a loop (fewer of what takes long), ÷ that of a "
            "step, the median and quartiles "
            f"of {one_logging.LOOPS} loops. At every tenth step a tenth of one, and nine tenths "
            "of what passing over the logging takes, which is measured by itself (ours: "
            f"{1000 * ours['idle']['cpu'] * ours['step_cpu']:.1f} ms of CPU). Bytes a value kept. "
            "A row is dominated where another one costs no more CPU, takes no more bytes and "
            "keeps as many bits.",
            [
                "",
                "keeps",
                "every step: wall",
                "CPU",
                "one logging: CPU",
                "every tenth: wall",
                "CPU",
                "bytes a value",
                "dominated by",
            ],
            [_row(name, found) for name in sorted(found, key=lambda n: _cpu(found[n]))],
            [
                harness.Target(
                    "compression 0, every step, CPU of one logging",
                    100 * _cpu(found["ours, compression 0"]),
                    2,
                    " %",
                    floor=_floor(ours),
                ),
                harness.Target(
                    "default, every tenth step, CPU",
                    100 * _tenth(ours, "cpu"),
                    0.5,
                    " %",
                    floor=_floor(ours, 1 / EVERY),
                ),
                harness.Target(
                    "default, every step, wall (5 %, or half of tf.summary.image)",
                    every,
                    max(5, half_of_image),
                    " %",
                    floor=_floor(ours),
                ),
            ],
            "What limits ours, where the graph packs by itself (`in_graph=True`): of the CPU of a "
            f"step's logging, {parts['png']:.0f} ms deflate the "
            f"PNGs, {parts['statistics']:.0f} ms read the batch five times for its statistics, "
            f"{parts['copies']:.0f} ms slice, scale, cast and copy what is kept (a step takes "
            f"{1000 * ours['step_cpu']:.0f} ms of CPU and leaves no core idle, so that what costs "
            "CPU costs wall time). tf.summary.image writes the fewest bytes of those that keep "
            "pictures; its 8 bits are clipped to 0..1. tf.summary.histogram covers the whole "
            "batch, as our statistics do.",
        )
    ]


def _floor(result: dict[str, Any], share: float = 1) -> str:
    """Statistics over the whole batch cannot cost less than reading it."""
    reading = result["batch_bytes"] / harness.memory_bandwidth()
    percent = 100 * share * reading / result["step_cpu"]
    return (
        f"{percent:.2f} %: reading the batch's activations once takes {1000 * reading:.0f} ms of "
        f"CPU, a step {1000 * result['step_cpu']:.0f}"
    )


def _added(ratios: list[float]) -> float:
    return harness.median(ratios) - 1


def _cpu(result: dict[str, Any]) -> float:
    return harness.median(result["logging"])


def _tenth(result: dict[str, Any], which: str) -> float:
    """What logging at every tenth step adds to the average step."""
    once = _cpu(result) if which == "cpu" else _added(result[which])
    return (once + (EVERY - 1) * result["idle"][which]) / EVERY


def _row(name: str, found: dict[str, dict[str, Any]]) -> list[str]:
    result = found[name]
    every = [harness.spread([100 * (r - 1) for r in result[w]]) for w in ("wall", "cpu")]
    every.append(harness.spread([100 * r for r in result["logging"]]))
    tenth = [f"{100 * _tenth(result, which):+.1f} %" for which in ("wall", "cpu")]
    better = [other for other in found if other != name and _dominates(other, name, found)]
    keeps = CONTENDERS[name][0]
    return [name, keeps, *(f"{text} %" for text in every), *tenth, f"{result['bytes']:.2f}",
            ", ".join(better)]  # fmt: skip


def _dominates(a: str, b: str, found: dict[str, dict[str, Any]]) -> bool:
    """Whether `a` is at least as good as `b` in CPU, bytes and bits kept."""
    return (
        _cpu(found[a]) <= _cpu(found[b])
        and found[a]["bytes"] <= found[b]["bytes"]
        and CONTENDERS[a][1] >= CONTENDERS[b][1]
    )


if __name__ == "__main__":
    for part in sections(full=True):
        print(part.markdown())
