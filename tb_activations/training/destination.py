"""Where a recorder writes: a directory that can be one, and that no other one is writing to."""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Iterable
from typing import Any

from tb_activations.eventfile.local import check_local

_SHOWN = 3  # tags that a warning names


def checked_log_dir(log_dir: Any) -> str:
    """The path of a directory on this machine, which need not be there yet.

    Raises:
      TypeError: it is no path.
      ValueError: it lies elsewhere (`s3://…`), or is a file.
    """
    if not isinstance(log_dir, str | bytes | os.PathLike):
        raise TypeError(f"log_dir is {log_dir!r}; it must be the path of a directory")
    check_local(log_dir if not isinstance(log_dir, bytes) else os.fsdecode(log_dir), "log_dir")
    path = os.fsdecode(log_dir)
    if os.path.isfile(path):
        raise ValueError(f"log_dir is {path!r}, which is a file; it must be a directory")
    return path


def check_step(step: int) -> None:
    """Refuses a step before the first, 0, which no dashboard shows."""
    if step < 0:
        raise ValueError(f"step is {step}; it must be 0 or more")


_open: weakref.WeakKeyDictionary[Any, tuple[str, frozenset[str]]] = weakref.WeakKeyDictionary()


def claim(owner: Any, log_dir: str, tags: Iterable[str]) -> None:
    """Notes that `owner` writes these tags there until `release`; warns where another one does.

    Said once: what is claimed is not claimed again.
    """
    if owner in _open:
        return
    directory, mine = os.path.realpath(log_dir), frozenset(tags)
    for other, (where, tags_of_other) in list(_open.items()):
        both = sorted(mine & tags_of_other)
        if other is not owner and where == directory and both:
            more = len(both) - _SHOWN
            named = ", ".join(map(repr, both[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
            warnings.warn(
                f"Activations: two callbacks write {named} to {log_dir} at once, where records of "
                "one hide those of the other: give each a log_dir of its own, such as "
                f"{os.path.join(log_dir, 'validation')}",
                stacklevel=4,
            )
            break
    _open[owner] = directory, mine


def release(owner: Any) -> None:
    _open.pop(owner, None)


def how_to_look(log_dir: str) -> str:
    """The command that shows what was written."""
    return (
        f'look: tensorboard --logdir "{log_dir}"'
        if " " in log_dir
        else (f"look: tensorboard --logdir {log_dir}")
    )
