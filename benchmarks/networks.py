"""What an update of the callback costs on networks that people train, and of all that there is.

Four networks with the callback's defaults, beside one eager and one graph forward pass of the same
examples; and one layer of 28×28×64 of which every value of 256 examples is kept, so that the queue
fills, beside tf-explain. Each in a process of its own, everyone's work in turn.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import first_step, harness
from benchmarks.epoch import _size, _timed, tf_explain_of

EXAMPLES = 32
ALL = 256  # examples of which every value is kept
LAYER = "seen"  # 28×28×64
EAGER, GRAPH, OURS, RIVAL = "eager", "graph", "ours", "tf-explain"
NETWORKS = {title: where for title, where in first_step.NETWORKS.items() if title != "ConvNeXtTiny"}
LIMITS = {"thread": 1.5, "CPU": 3.0}
ALL_LIMITS = {"thread": 4.0, "CPU": 8.0}

Timing = tuple[float, float]  # seconds: wall, CPU
Work = tuple[Callable[[], Any], Callable[[], Any]]  # on the training thread; until all is on disk


def network(title: str, repeats: int) -> dict[str, Any]:
    """(wall, CPU) of each contender in turn, seconds to the first step, and what "auto" changes."""
    import keras

    keras.utils.set_random_seed(0)
    name, side = NETWORKS[title]
    model = first_step.network(name, side)
    x = np.random.default_rng(0).random((EXAMPLES, side, side, 3), "float32")
    model(x, training=False)
    with tempfile.TemporaryDirectory() as directory:
        begun = time.perf_counter()
        update = _ours(model, x, directory)
        first = time.perf_counter() - begun
        work = {**_forwards(model, x), OURS: update}
        update[1]()
        before = _size(directory)
        found, traced = _in_turn(work, repeats)
        written = (_size(directory) - before) / (repeats + 1)
        every, wide = _wide(directory)
    return {
        "found": found,
        "first": first,
        "traced": traced[GRAPH],
        "written": written,
        "every": every,
        "wide": wide,
    }


def everything(repeats: int) -> dict[str, Any]:
    """The same of one layer of which every value of `ALL` examples is kept."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu", name=LAYER),
        ]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((ALL, 28, 28, 1), "float32")
    options = {"max_outputs": ALL, "max_bytes_per_update": None, "log_inputs": False}
    with tempfile.TemporaryDirectory() as directory:
        work = {
            **_forwards(model, x),
            OURS: _ours(model, x, f"{directory}/ours", [LAYER], **options),
        }
        if importlib.util.find_spec("tf_explain"):
            work[RIVAL] = tf_explain_of(LAYER, model, x, f"{directory}/theirs")
        found, _ = _in_turn(work, repeats)
        written = {
            name: _size(f"{directory}/{where}") / (repeats + 1 + (name == OURS))
            for name, where in ((OURS, "ours"), (RIVAL, "theirs"))
            if name in work
        }
    return {"found": found, "written": written, "values": ALL * 28 * 28 * 64}


def _forwards(model: Any, x: np.ndarray) -> dict[str, Work]:
    import tensorflow as tf

    function = tf.function(lambda x: model(x, training=False), autograph=False)
    shown = tf.constant(x)
    return {
        EAGER: (lambda: np.asarray(model(shown, training=False)), _nothing),
        GRAPH: (lambda: function(shown).numpy(), _nothing),
    }


def _ours(model: Any, x: np.ndarray, directory: str, layers: Any = None, **options: Any) -> Work:
    """The callback, its first record made: as `fit` calls it before the first step."""
    import tb_activations as tba

    # Which come once, with the second record.
    options |= {"receptive_fields": False, "verbose": 0}
    callback = tba.ActivationsCallback(directory, x, layers, **options)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    return lambda: callback.on_epoch_end(0), callback.flush


def _in_turn(
    work: dict[str, Work], repeats: int
) -> tuple[dict[str, list[Timing]], dict[str, float]]:
    """(wall of the thread, CPU until all is on disk) of each; the wall of their first rounds."""
    first: dict[str, float] = {}
    found: dict[str, list[Timing]] = {name: [] for name in work}
    for number in range(repeats + 1):
        for name, (update, finish) in work.items():
            took = _timed(update, finish)
            if number:
                found[name].append(took)
            else:
                first[name] = took[0]
    return found, first


def _wide(directory: str) -> tuple[list[int], list[int]]:
    """[layers, stored bytes] of the last update, and of its records that are float32."""
    from tb_activations.sources.timeline.blobs import BlobCache
    from tb_activations.sources.timeline.timeline import RunTimeline
    from tb_activations.sources.warn import WarnOnce

    timeline = RunTimeline(directory, BlobCache(), WarnOnce())
    timeline.refresh()
    every, wide = [0, 0], [0, 0]
    for tag in timeline.tags():
        series = timeline.series(tag)
        assert series is not None
        header = series.header(len(series.steps) - 1)
        size = int(np.prod(header.shape)) * np.dtype(header.dtype).itemsize
        for sums in (every, wide) if header.dtype == "float32" else (every,):
            sums[0] += 1
            sums[1] += size
    return every, wide


def _nothing() -> None:
    return None


def sections(full: bool) -> list[harness.Section]:
    repeats = 15 if full else 5
    module = "benchmarks.networks"
    nets = {
        title: harness.in_process(module, "network", title=title, repeats=repeats)
        for title in NETWORKS
    }
    whole = harness.in_process(module, "everything", repeats=repeats)
    return [_of_networks(nets), _of_everything(whole)]


def _of_networks(nets: dict[str, dict[str, Any]]) -> harness.Section:
    rows, targets = [], []
    for title, result in nets.items():
        side, found = NETWORKS[title][1], result["found"]
        layers, stored = result["every"]
        eager, graph = (
            harness.median([wall for wall, _ in found[name]]) for name in (EAGER, GRAPH)
        )
        rows.append(
            [
                f"{title}, {side}²",
                f"{layers}",
                f"{1e3 * eager:.0f} ms",
                f"{1e3 * graph:.0f} ms",
                *(harness.spread(_ratios(found, OURS, EAGER, i)) for i in range(2)),
                *(harness.spread(_ratios(found, OURS, GRAPH, i)) for i in range(2)),
                f"{result['first']:.1f} s",
                f"{result['first'] / result['traced']:.2f}",
                harness.megabytes(result["written"]),
                f"{result['wide'][0]} ({100 * result['wide'][1] / stored:.0f} %)",
            ]
        )
        for i, (name, limit) in enumerate(LIMITS.items()):
            figure = harness.median(_ratios(found, OURS, EAGER, i))
            floor = f"{_floor(found, i):.2f}, a graph's forward pass"
            targets.append(harness.Target(f"{title}: {name}", figure, limit, floor=floor))
    return harness.Section(
        "Networks that people train",
        f"{EXAMPLES} examples, random weights, all layers, the callback's defaults. Wall of the "
        "training thread (a wait for a full queue included) and CPU of the process until all is "
        "on disk, ÷ one eager and ÷ one graph forward pass of the same examples: medians and "
        "quartiles of rounds in which each has its turn. Before the first step: what the callback "
        "adds to `fit`, its first record included, and that ÷ tracing and first running the "
        'model\'s own graph. float32: the layers that precision "auto" stores so, and their share '
        "of the bytes before they are deflated.",
        [
            "network",
            "layers",
            "eager",
            "graph",
            "thread ÷ eager",
            "CPU ÷ eager",
            "thread ÷ graph",
            "CPU ÷ graph",
            "before the first step",
            "÷ a trace",
            "an update on disk",
            "float32",
        ],
        rows,
        targets,
    )


def _of_everything(whole: dict[str, Any]) -> harness.Section:
    found = whole["found"]
    names = [name for name in (RIVAL, OURS) if name in found]
    rows = [
        [
            name,
            *(harness.spread(_ratios(found, name, EAGER, i)) for i in range(2)),
            *(harness.spread(_ratios(found, name, GRAPH, i)) for i in range(2)),
            harness.megabytes(whole["written"][name]),
            f"{whole['written'][name] / whole['values']:.2f}",
        ]
        for name in names
    ]
    forward = harness.median([wall for wall, _ in found[EAGER]])
    return harness.Section(
        "Every value of 256 examples",
        f"One layer of 28×28×64, every value of {ALL} examples kept: {whole['values'] / 1e6:.1f} "
        f"million, more than the queue holds. As above; a forward pass is {1e3 * forward:.0f} ms. "
        "tf-explain writes one mosaic of 8 bits.",
        [
            "",
            "thread ÷ eager",
            "CPU ÷ eager",
            "thread ÷ graph",
            "CPU ÷ graph",
            "an update on disk",
            "bytes a value",
        ],
        rows,
        [
            harness.Target(
                f"every value of {ALL}: {name}",
                harness.median(_ratios(found, OURS, EAGER, i)),
                limit,
                floor="1, the forward pass",
            )
            for i, (name, limit) in enumerate(ALL_LIMITS.items())
        ],
    )


def _ratios(found: dict[str, list[Timing]], name: str, to: str, which: int) -> list[float]:
    """Round by round: wall (0) or CPU (1) of one ÷ that of the other."""
    pairs = zip(found[name], found[to], strict=True)
    return [one[which] / other[which] for one, other in pairs]


def _floor(found: dict[str, list[Timing]], which: int) -> float:
    return harness.median(_ratios(found, GRAPH, EAGER, which))


if __name__ == "__main__":
    for part in sections(full=False):
        print(part.markdown())
