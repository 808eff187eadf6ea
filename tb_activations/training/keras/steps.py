"""The steps of a training: the optimizer's iterations, read only when an update may be due.

Reading them waits for the training step that is under way, so they are read after the first batch,
at the start of an epoch, and when as many as there were for each batch would reach the next record.
"""

from __future__ import annotations

import math
from typing import Any

import keras

_SKIPPED = 64  # updates that loss scaling may skip before its optimizer is taken for an unused one


class Steps:
    """Counts updates of the model's optimizer in one call of `fit`, batch by batch.

    Args:
      every: how many steps lie between two records.
      done: the last step of the calls before.

    done: the step of the last look. Where the model has no optimizer, or trains with others than
    `model.optimizer` (a GAN's two), batches are counted instead.
    """

    def __init__(self, every: int, done: int = 0) -> None:
        self.done = done
        self._every = every
        self._offset = 0  # where a second fit starts its optimizer anew, steps go on
        self._begun = 0  # iterations at the start of this fit
        self._batches = 0  # in this fit, at most: an execution of several may end early
        self._before_epoch = 0
        self._read = (0, 0)  # the batches at the last look, and the step that it showed
        self._pace = 1  # steps for each batch, at most: a `train_step` may update twice

    def begin_fit(self, model: Any) -> None:
        """The model is as training finds it, restored where that is a callback's work."""
        self._begun = _iterations(model)
        self.done = max(self.done, self._begun)
        self._offset = self.done - self._begun
        self._batches = self._before_epoch = 0
        self._read = 0, self.done

    def begin_late(self, model: Any, batch: int, first: bool) -> None:
        """The batch of this number, from 0 in the epoch, was over when this fit was begun.

        An optimizer's iterations hold it already; where there is none, it counts now, but for the
        first of all, whose record is that of the start.
        """
        counted = first or getattr(model, "optimizer", None) is not None
        self._before_epoch = -batch - counted

    def passed(self, before: int) -> bool:
        """Whether a step to be recorded lies between `before` and `done`."""
        return self.done // self._every > before // self._every

    def begin_epoch(self, model: Any) -> None:
        self._before_epoch = self._batches
        self._look(model)

    def due(self, callback: Any, batch: int) -> bool:
        """Whether the batch of this number, from 0 in the epoch, led to a step to be recorded."""
        self._batches = self._before_epoch + batch + 1
        at, step = self._read
        before, bound = self.done, step + (self._batches - at) * self._pace
        if at and bound // self._every == before // self._every:
            return False
        return self.reached(callback.model) // self._every > before // self._every

    def reached(self, model: Any) -> int:
        """The step that training has reached, which is `done` from now on."""
        self.done = self._look(model)
        return self.done

    def _look(self, model: Any) -> int:
        at, step = self._read
        iterations, passed = _iterations(model), self._batches - at
        if iterations != self._begun or self._batches < _patience(model):
            now = self._offset + iterations
            self._pace = max(self._pace, -(-(now - step) // passed) if passed else 1)
        else:
            now = step + passed
        self._read = self._batches, now
        return now


def nonfinite_loss(logs: dict | None) -> str | None:
    """`loss is nan`, of the first loss in the logs of a batch that is not finite."""
    for name, value in (logs or {}).items():
        if name.split("_")[-1] != "loss":
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if not math.isfinite(number):
            return f"{name} is {number}"
    return None


def _iterations(model: Any) -> int:
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return 0
    return int(keras.ops.convert_to_numpy(optimizer.iterations))


def _patience(model: Any) -> int:
    """How many batches an optimizer that is used may take to its first iteration."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return 0
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        inner = optimizer.inner_optimizer
        return _SKIPPED * (getattr(inner, "gradient_accumulation_steps", None) or 1)
    return getattr(optimizer, "gradient_accumulation_steps", None) or 1
