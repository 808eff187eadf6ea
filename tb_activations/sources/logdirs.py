"""TensorBoard's rule from the name of a run to its directory, where that is a local one.

`--logdir=PATH` names a run by its path relative to PATH; `--logdir_spec=a:PATH,PATH2` puts `a/`
before those below PATH. Remote directories may stand beside local ones; what is in them is not
listed here. Nothing heavy is imported: the loader needs this at every start.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

_URI = re.compile("[a-zA-Z][0-9a-zA-Z.]*://.*")  # as TensorBoard decides what is one


@dataclass(frozen=True)
class LogDirs:
    """Log directories: (path, name of the group or None), in TensorBoard's order."""

    roots: tuple[tuple[str, str | None], ...]

    @classmethod
    def of_flags(cls, flags: Any) -> LogDirs | None:
        """Those of TensorBoard's flags; None where not one of them is local."""
        if flags is None or getattr(flags, "grpc_data_provider", None):
            return None
        logdir = getattr(flags, "logdir", "")
        spec = getattr(flags, "logdir_spec", "")
        if logdir:
            roots: dict[str, str | None] = {os.path.expanduser(logdir): None}
        else:
            roots = _parse_spec(spec or "")
        if all(_is_remote(path) for path in roots):
            return None
        return cls(tuple(roots.items()))

    @property
    def readable(self) -> bool:
        """Whether every one is a local directory whose contents can be listed and read."""
        return not any(_is_remote(path) for path, _ in self.roots) and all(
            os.path.isdir(path) and os.access(path, os.R_OK | os.X_OK) for path, _ in self.roots
        )

    def directory(self, run: str) -> str | None:
        """The directory of a run that TensorBoard lists; None where there is none on this machine.

        Where several groups could have named it, the last one has: TensorBoard lets a later
        directory replace an earlier one of the same name.
        """
        return self._find(run)[0]

    def contested(self, run: str) -> bool:
        """Whether a remote directory could hold a run of the same name, and replace the local one.

        Then what TensorBoard lists may be the other one's.
        """
        return any(_is_remote(path) for path, _ in self.roots) and self._find(run)[1]

    def _find(self, run: str) -> tuple[str | None, bool]:
        """(its local directory, whether a remote one behind it might have named it too)."""
        contested = False
        for path, group in reversed(self.roots):
            relative = run if group is None else _below(run, group)
            if relative is None or not _stays_inside(relative):
                continue
            if _is_remote(path):
                contested = True
                continue
            directory = os.path.join(path, relative)
            if os.path.isdir(directory):
                return directory, contested
        return None, contested


def _is_remote(path: str) -> bool:
    return "://" in path


def _below(run: str, group: str) -> str | None:
    """The rest of `run` below `group`; the group's own run is named `group/.`."""
    prefix = os.path.join(group, "")
    return run[len(prefix) :] if run.startswith(prefix) else None


def _stays_inside(relative: str) -> bool:
    unsafe = os.path.isabs(relative) or "\0" in relative or not relative
    return not unsafe and ".." not in relative.split(os.sep)


def _parse_spec(spec: str) -> dict[str, str | None]:
    """`--logdir_spec` → {path: group}, as TensorBoard's `data_ingester` parses it."""
    roots: dict[str, str | None] = {}
    for part in spec.split(",") if spec else ():
        group, path = None, part
        if not _URI.match(part) and ":" in part and not part.startswith("/"):
            group, _, path = part.partition(":")
        if not _URI.match(path):
            path = os.path.realpath(os.path.expanduser(path))
        roots[path] = group
    return roots
