"""Saved weights of one training → the step of each file, in order.

A step is the number in the name where every name has one, else the file's position.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_ENDINGS = re.compile(r"(\.weights)?(\.h5|\.hdf5|\.keras|\.json|\.ckpt)$")
# A TensorFlow checkpoint is these files; its path is what stands before.
_INDEX, _SHARD = ".index", re.compile(r"\.data-\d{5}-of-\d{5}$")


class Saved(NamedTuple):
    """Weights in a file, and the step that they are logged as."""

    step: int
    path: str


def saved_steps(paths: Any, steps: Iterable[int] | None = None) -> list[Saved]:
    """The files in the order of their steps.

    Args:
      paths: a list of paths, or one path or glob. A TensorFlow checkpoint is the path before
        `.index`.
      steps: one a path; None to read them off the names.

    Raises:
      ValueError: no file; as many steps as files are not given, or one of them twice; a step that
        is no integer of at least 0.
    """
    found = _listed(paths)
    if not found:
        raise ValueError(f"paths is {paths!r}; it must name at least one file of saved weights")
    chosen = _steps_of_names(found) if steps is None else _checked(list(steps), found)
    saved = sorted(map(Saved, chosen, found), key=lambda one: one.step)
    for first, second in pairwise(saved):
        if first.step == second.step:
            raise ValueError(
                f"steps has {first.step} for {first.path} and for {second.path}; each must have "
                "its own"
            )
    return saved


def _listed(paths: Any) -> list[str]:
    if isinstance(paths, str | os.PathLike):
        path = os.fspath(paths)
        is_glob = glob.has_magic(path) and not os.path.exists(path)
        paths = sorted(glob.glob(path, recursive=True), key=_natural) if is_glob else [path]
    named = (_checkpoint(os.fspath(path)) for path in paths)
    return list(dict.fromkeys(path for path in named if path is not None))


def _checkpoint(path: str) -> str | None:
    """A TensorFlow checkpoint for its index; None for what belongs to one."""
    if os.path.basename(path) == "checkpoint" and os.path.isfile(path):
        return None  # where TensorFlow notes the latest one
    if _SHARD.search(path):
        return None
    return path.removesuffix(_INDEX)


def _natural(path: str) -> list[Any]:
    """Sorts `epoch10` behind `epoch9`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path)]


def _steps_of_names(paths: Sequence[str]) -> list[int]:
    """The first whole number of the names that tells them apart; else the positions.

    One of a single file is the last of its name: what stands before is the model's.
    """
    numbers = [_whole_numbers(name) for name in _names(paths)]
    columns = list(zip(*numbers, strict=False))
    if len(paths) == 1:
        return [numbers[0][-1]] if numbers[0] else [0]
    for column in columns:
        if len(set(column)) == len(paths):
            return list(column)
    return list(range(len(paths)))


def _names(paths: Sequence[str]) -> list[str]:
    """The paths below their common folder, without their endings."""
    if len(paths) == 1:
        return [_ENDINGS.sub("", os.path.basename(paths[0]))]
    common = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])
    below = [Path(os.path.abspath(path)).relative_to(common).as_posix() for path in paths]
    return [_ENDINGS.sub("", name) for name in below]


def _whole_numbers(name: str) -> list[int]:
    """The numbers of a name without a point in them: a loss is no step."""
    return [int(number) for number in _NUMBER.findall(name) if "." not in number]


def _checked(steps: list[Any], paths: Sequence[str]) -> list[int]:
    if len(steps) != len(paths):
        raise ValueError(f"steps has {len(steps)} for {len(paths)} files; it must have one a file")
    for step in steps:
        if isinstance(step, bool) or not hasattr(step, "__index__") or step < 0:
            raise ValueError(f"steps holds {step!r}; it may hold integers of at least 0")
    return [int(step) for step in steps]
