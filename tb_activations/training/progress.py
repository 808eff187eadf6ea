"""A word about what takes long, so that nobody waits in silence."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 2.0  # seconds


@contextmanager
def telling(what: str, verbose: int = 1) -> Iterator[None]:
    """Prints `what` goes on, as "tracing the layers", once the block has taken two seconds.

    Args:
      verbose: 0 for no word.
    """
    say = functools.partial(print, f"Activations: {what} …", flush=True)
    timer = threading.Timer(PATIENCE, say)
    timer.daemon = True
    if verbose:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
