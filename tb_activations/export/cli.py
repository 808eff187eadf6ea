"""The command `tb-activations`: `export` writes what a log directory holds as PNG, NPY or GIF."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from tb_activations.export import files
from tb_activations.export.files import STEPS, Request, export
from tb_activations.export.grid import COLORMAPS, SCALES
from tb_activations.export.paths import FORMATS
from tb_activations.record.errors import RecordError
from tb_activations.sources.series import Gone

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns 0, or 2 with a sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        written = export(_request(options), _with_progress)
    except (ValueError, OSError, RecordError, Gone) as e:
        print(f"tb-activations: {e}", file=sys.stderr)
        return 2
    print(f"{len(written)} file{'' if len(written) == 1 else 's'}: {_span(written)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tb-activations", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser(
        "export", description=files.__doc__, help="write PNG, NPY or GIF"
    ).add_argument
    add("log_dir", help="a log directory, with its runs below it")
    add("--run", help="which run; may be left out where there is only one")
    add("--layer", action="append", help="a name or a glob; may be given often (default: all)")
    add("--step", default=None, help="a number, first, last or all (default: last; all for GIF)")
    add("--example", type=int, default=0, help="which of the kept examples (default: 0)")
    add("--channel", type=int, help="one channel, by its id (needed for GIF)")
    add("--format", choices=FORMATS, help="default: the ending of --output, else png")
    add("--output", default=".", help="a file where one is written, else a directory")
    add("--zoom", type=int, default=None, help="pixels a value takes on each side")
    add("--columns", type=int, help="tiles in a row")
    add("--scale", choices=SCALES, default="channel", help="each channel by itself, or together")
    add("--colormap", choices=sorted(COLORMAPS))
    return parser


def _request(options: argparse.Namespace) -> Request:
    """Raises ValueError."""
    kind = _format(options)
    return Request(
        log_dir=options.log_dir,
        output=options.output,
        format=kind,
        run=options.run,
        layers=tuple(options.layer or ()),
        step=_step(options.step or ("all" if kind == "gif" else "last")),
        example=options.example,
        channel=options.channel,
        zoom=options.zoom,
        columns=options.columns,
        scale=options.scale,
        colormap=options.colormap,
    )


def _format(options: argparse.Namespace) -> str:
    ending = Path(options.output).suffix.lower().removeprefix(".")
    return options.format or (ending if ending in FORMATS else "png")


def _step(text: str) -> int | str:
    if text in STEPS:
        return text
    if not re.fullmatch(r"\d+", text):
        raise ValueError(f"--step is {text!r}; it must be a number, first, last or all")
    return int(text)


def _with_progress(jobs: Sequence[T]) -> Iterator[T]:
    """The jobs, with a bar on a terminal's stderr where there are many."""
    bar = len(jobs) > 1 and sys.stderr.isatty()
    for done, job in enumerate(jobs):
        if bar:
            _draw(done, len(jobs))
        yield job
    if bar:
        _draw(len(jobs), len(jobs))
        print(file=sys.stderr)


def _draw(done: int, count: int, width: int = 40) -> None:
    filled = width * done // count
    print(f"\r[{'#' * filled}{'.' * (width - filled)}] {done}/{count}", end="", file=sys.stderr)
    sys.stderr.flush()


def _span(paths: list[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} … {paths[-1]}"


if __name__ == "__main__":
    sys.exit(main())
