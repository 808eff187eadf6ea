"""Work handed to one background thread, in order, in a queue bounded in bytes.

The thread starts with the first task and is a daemon; `drain` waits until all is done, and the end
of the interpreter drains every queue that is still open.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Callable


class ByteQueue:
    """Runs tasks one after the other; `put` waits while more than `limit` bytes are in it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0  # bytes of the tasks waiting and of the one that runs
        self._tasks: deque[tuple[Callable[[], None], int]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._error: BaseException | None = None
        self._running = False
        self.waits = 0
        _open_queues.add(self)

    def put(self, task: Callable[[], None], size: int) -> None:
        """Hands `task` over; waits for room first. A task larger than the limit runs alone."""
        with self._changed:
            if self._held and self._held + size > self._limit:
                self.waits += 1
                self._changed.wait_for(lambda: not self._held or self._held + size <= self._limit)
            self._tasks.append((task, size))
            self._held += size
            self._start()
            self._changed.notify_all()

    def drain(self) -> None:
        """Waits until all is done. Raises the first error of a task, once."""
        if self._thread is threading.current_thread():
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._tasks and not self._running)
            error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """Drains, and ends the thread; a later `put` starts another."""
        try:
            self.drain()
        finally:
            with self._changed:
                self._closing = True
                self._changed.notify_all()
            if self._thread is not None:
                self._thread.join()
                self._thread = None

    def _start(self) -> None:
        if self._thread is None:
            self._closing = False
            self._thread = threading.Thread(target=self._work, name="tb_activations", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._tasks or self._closing)
                if not self._tasks:
                    return
                task, size = self._tasks.popleft()
                self._running = True
            try:
                task()
            except Exception as e:
                self._error = self._error or e
            finally:
                del task  # and the arrays that it holds
                with self._changed:
                    self._held -= size
                    self._running = False
                    self._changed.notify_all()


_open_queues: weakref.WeakSet[ByteQueue] = weakref.WeakSet()


@atexit.register
def _drain_all() -> None:
    for queue in list(_open_queues):
        with contextlib.suppress(Exception):
            queue.drain()
