"""Bytes of a file from an offset on, also on a system that has no `pread`."""

from __future__ import annotations

import os
import threading

# Windows has no O_CLOEXEC, and would take line ends for text.
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_seeking = threading.Lock()


def open_to_read(path: str) -> int:
    """A descriptor, for `read_at` and to be closed. Raises OSError."""
    return os.open(path, _FLAGS)


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """`size` bytes from `offset` on, fewer at the end of the file; safe between threads."""
    pread = getattr(os, "pread", None)
    if pread is not None:
        return pread(descriptor, size, offset)
    with _seeking:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)
