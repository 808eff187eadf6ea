"""Where exported files go: a folder for each layer, and no two things in one place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

FORMATS = ("png", "npy", "gif")
# What ends so is a file to whoever names it, and no folder of ours.
_ARRAYS = (".csv", ".json", ".mat", ".npz", ".pt", ".txt", ".zip")
_FILMS = (".avi", ".html", ".mkv", ".mov", ".mp4", ".svg", ".webm")
_LONGEST_NAME = 180  # bytes; what is put behind it must find room too


def check_output(output: str | os.PathLike[str], kind: str) -> None:
    """Raises ValueError for what is neither a file of this kind nor a directory."""
    path = Path(output)
    ending = path.suffix.lower()
    if is_directory(output) or ending == f".{kind}":
        return
    if path.exists():
        raise ValueError(
            f"--output is {str(output)!r}, which is a file; it must be a directory, or a file that "
            f"ends in .{kind}"
        )
    if ending in _ARRAYS + _FILMS or ending in Image.registered_extensions():
        raise ValueError(
            f"--output is {str(output)!r}; a file must end in .{kind} (of {', '.join(FORMATS)}, "
            f"--format is {kind}), and a directory of that name is written with a / at its end"
        )


def is_directory(output: str | os.PathLike[str]) -> bool:
    separators = tuple({os.sep, os.altsep or os.sep})
    return os.fspath(output).endswith(separators) or Path(output).is_dir()


def folders(tags: Iterable[str]) -> dict[str, Path]:
    """A folder's relative path for each layer, of its name; never the same for two."""
    found: dict[str, Path] = {}
    taken: set[str] = set()
    for tag in dict.fromkeys(tags):
        *above, name = (_safe(part) for part in tag.split("/"))
        path, count = Path(*above, name), 1
        # On some disks `Conv` and `conv` are one.
        while str(path).casefold() in taken:
            count += 1
            path = Path(*above, f"{name}-{count}")
        taken.add(str(path).casefold())
        found[tag] = path
    return found


def made(path: Path) -> Path:
    """The path, its directory made: only once there is something to write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _safe(name: str) -> str:
    """A layer's name as a file's, never one that leads elsewhere or is too long for a disk."""
    characters = r"[^\w.@+-]" if os.name == "nt" else r"[^\w.:@+-]"
    plain = re.sub(characters, "_", name).lstrip(".") or "_"
    return plain.encode("utf-8")[:_LONGEST_NAME].decode("utf-8", "ignore")
