"""Where a recorder writes: a directory that can be one, and that no other one is writing to."""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Iterable
from typing import Any

from tb_activations.eventfile.last_step import last_step
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
    """Notes, at each record, that `owner` writes these tags there until `release`.

    Warns where one that came later writes the same: a training that an error ended comes to no
    further record, and does not stand in the way of the next.
    """
    if owner not in _open:
        _open[owner] = os.path.realpath(log_dir), frozenset(tags)
        return
    directory, mine = _open[owner]
    every = list(_open.items())
    later = every[[one for one, _ in every].index(owner) + 1 :]
    both = sorted(mine & {tag for _, (where, tags) in later if where == directory for tag in tags})
    if not both:
        return
    _open[owner] = directory, frozenset()  # said once
    more = len(both) - _SHOWN
    named = ", ".join(map(repr, both[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
    warnings.warn(
        f"Activations: two callbacks write {named} to {log_dir} at once, where records of one hide "
        f"those of the other: give each a log_dir of its own, such as "
        f"{os.path.join(log_dir, 'validation')}",
        stacklevel=4,
    )


def release(owner: Any) -> None:
    _open.pop(owner, None)


def how_to_look(log_dir: str) -> str:
    """The command that shows what was written."""
    return (
        f'look: tensorboard --logdir "{log_dir}"'
        if " " in log_dir
        else (f"look: tensorboard --logdir {log_dir}")
    )


def warn_of_later(log_dir: str, step: int, to_continue: str) -> None:
    """Warns where the directory holds later steps, which a record of `step` would hide.

    Args:
      to_continue: how the user counts on instead, with `{held}` for the last step held,
        and `{next}` for the one after it.
    """
    held = last_step(log_dir)
    if held is not None and held > step:
        warnings.warn(
            f"{log_dir} already holds activations up to step {held}, and this training starts at "
            f"step {step}, which hides the later ones: "
            f"{to_continue.format(held=held, next=held + 1)}, or choose another log_dir",
            stacklevel=3,
        )
