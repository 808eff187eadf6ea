"""Whether a path is on this machine: what lies elsewhere is refused, not made a folder `s3:`."""

from __future__ import annotations

import os
import re

_URI = re.compile(r"[a-zA-Z][0-9a-zA-Z+.-]*://")
# `Path("s3://bucket")` has lost a slash; one letter alone would be a drive.
_URI_OF_PATH = re.compile(r"[a-zA-Z][0-9a-zA-Z+.-]+:/")


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a place elsewhere, as `s3://bucket/run` does."""
    pattern = _URI if isinstance(path, str) else _URI_OF_PATH
    return pattern.match(os.fspath(path)) is not None


def check_local(path: str | os.PathLike[str], name: str) -> None:
    """Refuses a path that is not on this machine.

    Raises:
      ValueError: names the argument `name`, the path, and what is accepted.
    """
    if is_remote(path):
        raise ValueError(
            f"{name} is {os.fspath(path)!r}; it must be a path on this machine: activations are "
            "neither written to remote storage nor exported from there, so copy them, or mount it"
        )
