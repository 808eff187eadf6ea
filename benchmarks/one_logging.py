"""CPU of one logging: many in a loop, all threads, until the events are on disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LOOPS, LOGGINGS = 8, 15
_LONG, _FEW = 0.5, 2  # CPU seconds of one from which a loop is of few


def seconds(log: Callable[[str, Any], None], writer: Any, layers: dict[str, Any]) -> list[float]:
    """CPU seconds of one logging of all layers in a compiled step, the mean of each of some loops.

    Differences of steps with logging and without say the same, under the noise of the steps.

    Args:
      log: what logs one layer, by name and values.
    """
    import tensorflow as tf

    @tf.function
    def step(counter: Any, layers: Any) -> Any:
        with writer.as_default(counter):
            for name, values in layers.items():
                log(name, values)
        return counter + 1

    def loop(count: int) -> float:
        begun = time.process_time()
        for i in range(count):
            step(tf.constant(i, tf.int64), layers).numpy()
        writer.flush()
        return (time.process_time() - begun) / count

    loop(1)  # traced
    count = LOGGINGS if loop(_FEW) < _LONG else _FEW
    return [loop(count) for _ in range(LOOPS)]
