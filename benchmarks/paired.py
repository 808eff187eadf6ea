"""What logging at every step adds to a training step, to three points: many pairs, 20 minutes.

    python -m benchmarks.paired [--minutes 20] [--write]

Everyone's compiled step of the residual network, without logging and with, in one process and in
turns, each time in another order. A pair is one round's step with logging against the same round's
without; the figure is the median of the pairs' differences, its interval of 95 % by the ranks of
the sorted differences. `one` and `tenth`: CPU of one logging, many in a loop, all threads until the
event is on disk, ÷ CPU of the steps between two.
"""

from __future__ import annotations

import argparse
import functools
import math
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import harness, one_logging, page
from benchmarks.training_step import (
    ARITHMETIC,
    BATCH,
    EVERY,
    EXAMPLES,
    Timing,
    _log,
    _passing_over,
    _step_function,
    _with_layers,
)

DEFAULT, BARE, IMAGE = "ours (default)", "ours, compression 0", "tf.summary.image"
CONTENDERS = (DEFAULT, BARE, IMAGE, ARITHMETIC)
MINUTES = 20.0


def measured(seconds: float) -> dict[str, Any]:
    """Rounds of (wall, CPU) of a plain step and of each contender's, and of a logging alone."""
    import tensorflow as tf

    from benchmarks import workloads

    model, names = workloads.residual_network()
    probe = _with_layers(model, names)
    images, labels = workloads.patches(BATCH)
    with tempfile.TemporaryDirectory() as directory:
        writers = {name: tf.summary.create_file_writer(f"{directory}/{i}")
                   for i, name in enumerate(CONTENDERS)}  # fmt: skip
        steps = {name: _step_function(probe, name, writer) for name, writer in writers.items()}
        steps["plain"] = _step_function(probe, None, writers[DEFAULT])

        def timed(name: str) -> Timing:
            wall, cpu = time.perf_counter(), time.process_time()
            steps[name](images, labels, tf.constant(0, tf.int64)).numpy()
            if name in writers:
                writers[name].flush()
            return time.perf_counter() - wall, time.process_time() - cpu

        for name in [*steps, *steps]:
            timed(name)
        layers = dict(probe(images, training=True))
        shown = {name: tf.constant(layers[name]) for name in names}
        loggings = {
            name: one_logging.seconds(functools.partial(_log, name), writers[name], shown)
            for name in CONTENDERS
        }
        shapes = {name: tuple(value.shape) for name, value in shown.items()}
        idle = {name: _passing_over(name, writers[name], shapes)[1] for name in CONTENDERS}
        rounds: list[dict[str, Timing]] = []
        order, end = list(steps), time.perf_counter() + seconds
        while time.perf_counter() < end or len(rounds) < 3:
            random.shuffle(order)
            rounds.append({name: timed(name) for name in order})
    return {"rounds": rounds, "logging": loggings, "idle": idle}


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """(median, and the bounds of its 95 % interval, which are two of the values)."""
    ordered = sorted(values)
    reach = 0.98 * math.sqrt(len(ordered))  # 1.96 standard deviations of a rank, each √n / 2
    low = max(0, math.floor(len(ordered) / 2 - reach))
    high = min(len(ordered) - 1, math.ceil(len(ordered) / 2 + reach))
    return harness.median(ordered), ordered[low], ordered[high]


def added(rounds: Sequence[dict[str, Timing]], name: str, which: int) -> list[float]:
    """Per cent of the median plain step, of each round: wall (0) or CPU (1)."""
    plain = harness.median([one["plain"][which] for one in rounds])
    return [100 * (one[name][which] - one["plain"][which]) / plain for one in rounds]


def section(found: dict[str, Any]) -> harness.Section:
    rounds = found["rounds"]
    step = [harness.median([one["plain"][i] for one in rounds]) for i in range(2)]
    wall, cpu = ({name: interval(added(rounds, name, i)) for name in CONTENDERS} for i in range(2))
    alone = {name: [100 * s / step[1] for s in found["logging"][name]] for name in CONTENDERS}
    one = {name: harness.median(alone[name]) for name in CONTENDERS}
    tenth = {name: (one[name] + 100 * (EVERY - 1) * found["idle"][name] / step[1]) / EVERY
             for name in CONTENDERS}  # fmt: skip
    width = max(high - low for _, low, high in (wall[DEFAULT], cpu[DEFAULT]))
    floor = "0: a step without logging"
    return harness.Section(
        "Inside the training step, in pairs",
        f"The residual network of above, {len(rounds)} rounds of a step without logging and one of "
        f"each contender's, in one process, in turns ({1e3 * step[0]:.0f} ms of wall and "
        f"{1e3 * step[1]:.0f} of CPU a step without). What logging five layers × {EXAMPLES} "
        "examples at every step adds, flushed: the median of the pairs' differences, with its 95 % "
        f"interval, of which the wider of our default's two is {width:.1f} points. One logging: "
        "its CPU, all threads, many in a loop, ÷ that of a step; at every tenth step, of ten, with "
        f"what passing over it takes at nine. {ARITHMETIC} is "
        "five times 4 ms in one thread, where ours would log, and touches no memory: what it adds "
        "beyond 20 ms of CPU and 10 of wall are TensorFlow's own threads, which wait for each "
        "other on two cores.",
        ["", "every step: wall", "CPU", "one logging: CPU", "every tenth: CPU"],
        [[name, _spelt(wall[name]), _spelt(cpu[name]), f"{harness.spread(alone[name])} %",
          f"{tenth[name]:.3f} %"] for name in CONTENDERS],
        [
            _target("default, every step, CPU in pairs", cpu[DEFAULT][0], 5, floor),
            _target("default, every step, wall (half of tf.summary.image)", wall[DEFAULT][0],
                    wall[IMAGE][0] / 2, floor),
            harness.Target("width of the interval", width, 3, " points", floor="0"),
            _target("compression 0, one logging", one[BARE], 2, floor),
            _target("default, every tenth step", tenth[DEFAULT], 0.5, floor),
        ],
    )  # fmt: skip


def _target(name: str, figure: float, limit: float, floor: str) -> harness.Target:
    return harness.Target(name, figure, limit, " %", floor=floor)


def _spelt(found: tuple[float, float, float]) -> str:
    middle, low, high = found
    return f"{middle:.2f} ({low:.2f}–{high:.2f}) %"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.paired", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of rounds, 20 by default")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md, as `paired`")
    parser.add_argument("--output", type=Path, default=harness.ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    load, begun = harness.load(), time.perf_counter()
    found = harness.in_process("benchmarks.paired", "measured", seconds=60 * options.minutes)
    body = page.part([section(found)], f"{(time.perf_counter() - begun) / 60:.0f} minutes{load}")
    print(body)
    if options.write:
        page.put(options.output, "paired", body)


if __name__ == "__main__":
    main()
