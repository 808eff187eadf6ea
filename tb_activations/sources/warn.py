"""Warnings of the server side, each said once.

`WarnOnce` remembers a bounded number of subjects.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable

from tensorboard.util import tb_logging

logger = tb_logging.get_logger()
MAX_SUBJECTS = 10_000


class WarnOnce:
    """Says a warning about a subject the first time only."""

    def __init__(self) -> None:
        self._said: set[Hashable] = set()
        self._lock = threading.Lock()

    def __call__(self, subject: Hashable, message: str, *values: object) -> bool:
        """Logs `message % values` unless `subject` was warned about; says whether it did."""
        with self._lock:
            if subject in self._said or len(self._said) >= MAX_SUBJECTS:
                return False
            self._said.add(subject)
        logger.warning(message, *values)
        return True
