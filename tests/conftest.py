"""Fixtures shared by all tests; `servers.py` beside this starts the real TensorBoard."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from servers import Server
from servers import tensorboard_server as start

# A shell starts what it puts into the background with Ctrl-C ignored, which every process of the
# tests would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def tensorboard_server() -> Iterator[Callable[..., Server]]:
    """A function that starts TensorBoard (see `servers.py`) and ends it after the test."""
    with contextlib.ExitStack() as stack:

        def run(logdir: Any, **options: Any) -> Server:
            return stack.enter_context(start(logdir, **options))

        yield run
