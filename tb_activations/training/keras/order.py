"""Which hooks of a callback have been called: a loop of one's own may leave some out."""

from __future__ import annotations

import warnings
from typing import Any


class Order:
    """Follows the hooks, and calls those that are missing.

    `fit` calls all of them. A loop over `train_on_batch` often calls `set_model` and one hook at
    the end of a batch or epoch alone; its training then begins with that hook, late.
    """

    def __init__(self) -> None:
        self.trains = False
        self._in_epoch = False
        self._batch = -1
        self._warned = False

    def begin_training(self) -> None:
        self.trains, self._in_epoch = True, False

    def begin_epoch(self) -> None:
        self._in_epoch, self._batch = True, -1

    def end_training(self) -> None:
        self.trains = False

    def catch_up(self, callback: Any, epoch: int, batch: int | None = None) -> bool:
        """Calls what is missing before the end of a batch or epoch.

        Args:
          epoch: how many epochs are completed. batch: the number of the batch that ended, in the
            epoch; None where the epoch has.

        Returns:
          Whether training began just now: the record of its start is that of the hook.
        """
        late = not self.trains
        if late:
            callback.on_train_begin()
        if late or (batch is not None and (not self._in_epoch or batch <= self._batch)):
            callback.on_epoch_begin(epoch)
        if batch is None:
            self._in_epoch = False
        else:
            self._batch = batch
        return late

    def warn_alone(self, asked: str) -> None:
        """Says once that `evaluate` or `predict`, outside of a training, logs nothing."""
        if not self.trains and not self._warned:
            self._warned = True
            warnings.warn(
                f"ActivationsCallback logs while `fit` trains, and nothing in `{asked}` alone: for "
                "the activations of a model as it is, use tb_activations.capture",
                stacklevel=3,
            )
