"""The thread that encodes and appends what the thread that trains hands over."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

from tb_activations.training.byte_queue import ByteQueue
from tb_activations.training.cost import Cost
from tb_activations.training.piece import Piece
from tb_activations.training.probe import Probe
from tb_activations.training.progress import telling
from tb_activations.training.record_log import RecordLog, Tag
from tb_activations.training.update import Update

QUEUE_BYTES = 32 << 20


class Worker:
    """Appends to one log directory; a copy has a queue and a log of its own.

    log: what is appended to, and the complaint. cost: what updates take of the time.
    """

    def __init__(self, log_dir: str) -> None:
        self.log = RecordLog(log_dir)
        self.cost = Cost()
        self._log_dir = log_dir
        self._queue = ByteQueue(QUEUE_BYTES)

    def __getstate__(self) -> str:
        return self._log_dir

    def __setstate__(self, log_dir: str) -> None:
        self.__init__(log_dir)  # type: ignore[misc]

    def hand_over(self, update: Update, task: Callable[[], None], size: int = 0) -> None:
        """A task of an update, which holds so many bytes."""
        self._queue.put(functools.partial(update.guarded, task), size)

    def finish(self, update: Update) -> None:
        """All pieces of an update are handed over, and its cost is known."""
        update.taken = self.cost.so_far()
        self.hand_over(update, update.finish)

    def hand_over_piece(self, update: Update, name: str, piece: Piece) -> None:
        self.hand_over(update, functools.partial(update.add, name, piece), piece.nbytes)

    def hand_over_inputs(self, update: Update, probe: Probe) -> None:
        for order, one in enumerate(probe.inputs):
            tag = Tag(one.name, "input", order)
            add = functools.partial(update.add_input, tag, one.array, one.channels_first)
            self.hand_over(update, functools.partial(add, one.labels or probe.labels))

    def drain(self) -> None:
        self._queue.drain()

    def close(self, verbose: int) -> None:
        """Waits for the last task, and lets go of the thread and the file."""
        with telling("writing what was recorded", verbose):
            self._queue.close()
        self.log.close()

    def warn(self) -> None:
        """Warns with the complaint, where there is a new one, and of what updates cost."""
        complaint = self.log.take_complaint()
        if complaint:
            warnings.warn(complaint, stacklevel=4)
        self.cost.warn()
