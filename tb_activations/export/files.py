"""`tb-activations export`: what a log directory holds → PNG, NPY or an animated GIF.

Reads every step of local event files through the timeline; writes one file for each layer and step,
or one film for each layer. Needs no TensorFlow.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tb_activations.eventfile.writer import event_files
from tb_activations.export.grid import COLORMAPS, SCALES, grid
from tb_activations.record.errors import RecordError
from tb_activations.record.storage import restore
from tb_activations.record.values import read_values
from tb_activations.sources.series import Gone
from tb_activations.sources.timeline.blobs import BlobCache
from tb_activations.sources.timeline.series import TimelineSeries
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.warn import WarnOnce

FORMATS = ("png", "npy", "gif")
_FRAME_MILLISECONDS = 120
_FILM_WIDTH = 256  # pixels that a film's picture is enlarged to, about


@dataclass(frozen=True)
class Picked:
    """One layer and the positions of its steps to write."""

    run: str
    tag: str
    series: TimelineSeries
    positions: tuple[int, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns 0, or 2 with a sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        written = export(options)
    except (ValueError, OSError, RecordError, Gone) as e:
        print(f"tb-activations: {e}", file=sys.stderr)
        return 2
    print(f"{len(written)} file{'' if len(written) == 1 else 's'}: {_span(written)}")
    return 0


def export(options: argparse.Namespace) -> list[Path]:
    """Writes what the options ask for; the paths, in order."""
    kind = _format(options)
    runs = _runs(Path(options.log_dir))
    picked = list(_picked(runs, options))
    film = kind == "gif"
    jobs = [
        (one, positions)
        for one in picked
        for positions in ([one.positions] if film else [(p,) for p in one.positions])
    ]
    written = []
    for one, positions in _with_progress(jobs):
        path = _path(options, kind, one, positions, alone=len(jobs) == 1)
        WRITERS[kind](path, one, positions, options)
        written.append(path)
    return written


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tb-activations", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser(
        "export", description=__doc__, help="write PNG, NPY or GIF"
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


def _format(options: argparse.Namespace) -> str:
    ending = Path(options.output).suffix.lower().removeprefix(".")
    kind = options.format or (ending if ending in FORMATS else "png")
    if kind == "gif" and options.channel is None:
        raise ValueError("a GIF shows one channel over the steps: pass --channel")
    return kind


def _runs(log_dir: Path) -> dict[str, RunTimeline]:
    """Run name → its timeline, of every directory that holds activations."""
    if not log_dir.is_dir():
        raise ValueError(f"no directory {str(log_dir)!r}")
    runs, cache, warn = {}, BlobCache(), WarnOnce()
    for directory, _, _ in sorted(os.walk(log_dir)):
        if event_files(directory):
            timeline = RunTimeline(directory, cache, warn)
            timeline.refresh()
            if timeline.tags():
                runs[os.path.relpath(directory, log_dir)] = timeline
    if not runs:
        raise ValueError(f"{log_dir} holds no activations")
    return runs


def _picked(runs: dict[str, RunTimeline], options: argparse.Namespace) -> Iterator[Picked]:
    run = options.run if options.run is not None else _only(runs)
    if run not in runs:
        raise ValueError(f"no run {run!r}; there are {_names(runs)}")
    tags = runs[run].tags()
    for tag in _chosen(tags, options.layer):
        series = runs[run].series(tag)
        if series is not None and len(series.steps):
            yield Picked(run, tag, series, _positions(series, options, tag))


def _only(runs: dict[str, RunTimeline]) -> str:
    if len(runs) > 1:
        raise ValueError(f"there are runs {_names(runs)}: pass --run")
    return next(iter(runs))


def _chosen(tags: list[str], asked: list[str] | None) -> list[str]:
    if not asked:
        return tags
    for one in asked:
        if one not in tags and not fnmatch.filter(tags, one):
            raise ValueError(f"no layer {one!r}; there are {_names(tags)}")
    return [tag for tag in tags if any(tag == a or fnmatch.fnmatchcase(tag, a) for a in asked)]


def _positions(series: TimelineSeries, options: argparse.Namespace, tag: str) -> tuple[int, ...]:
    step = options.step or ("all" if _format(options) == "gif" else "last")
    count = len(series.steps)
    words = {"first": range(1), "last": range(count - 1, count), "all": range(count)}
    if step in words:
        return tuple(words[step])
    if not re.fullmatch(r"\d+", step):
        raise ValueError(f"--step is {step!r}; it must be a number, first, last or all")
    found = np.flatnonzero(series.steps == int(step))
    if not len(found):
        steps = series.steps
        raise ValueError(f"no step {step} of {tag!r}; there are {steps[0]} to {steps[-1]}")
    return (int(found[0]),)


def _values(one: Picked, position: int, options: argparse.Namespace) -> np.ndarray:
    """The true values of one example, float64 `[*spatial, c]`; one channel where one is asked."""
    record = one.series.record(position)
    header, step = record.header, int(one.series.steps[position])
    n, c = header.stored_shape[:2]
    if header.omitted:
        raise ValueError(f"step {step} of {one.tag!r} has no values: {header.omitted}")
    if not 0 <= options.example < n:
        raise ValueError(f"no example {options.example} in {one.tag!r}; it keeps 0 to {n - 1}")
    examples = slice(options.example, options.example + 1)
    channels = slice(0, c) if options.channel is None else _channel(one.tag, header, options)
    stored = read_values(record, examples, channels)
    return np.moveaxis(restore(stored[0], header.exponent), 0, -1)


def _channel(tag: str, header: Any, options: argparse.Namespace) -> slice:
    ids = list(header.channel_ids or range(header.channels))
    if options.channel not in ids:
        raise ValueError(f"no channel {options.channel} in {tag!r}; it keeps {ids[0]} to {ids[-1]}")
    at = ids.index(options.channel)
    return slice(at, at + 1)


def _write_png(path: Path, one: Picked, positions: Sequence[int], options: Any) -> None:
    values = _values(one, positions[0], options)
    zoom = options.zoom or 1
    picture = grid(
        values[None],
        scale=options.scale,
        columns=options.columns,
        zoom=zoom,
        colormap=options.colormap,
    )
    Image.fromarray(picture).save(_made(path))


def _write_npy(path: Path, one: Picked, positions: Sequence[int], options: Any) -> None:
    """float32 where that holds every value, else float64."""
    values = _values(one, positions[0], options)
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    np.save(_made(path), narrow if np.array_equal(narrow, values, equal_nan=True) else values)


def _write_gif(path: Path, one: Picked, positions: Sequence[int], options: Any) -> None:
    """One range for all frames: a range a frame would hide growth and collapse."""
    frames = [_values(one, position, options) for position in positions]
    if len({frame.shape for frame in frames}) > 1:
        raise ValueError(f"{one.tag!r} changes its shape over the steps: no film can show that")
    film = np.stack(frames)  # [steps, *spatial, 1]
    side = film.shape[-2] if film.ndim > 2 else 8
    zoom = options.zoom or max(1, _FILM_WIDTH // side)
    shown = np.moveaxis(film, 0, -1)[..., 0, :]  # [*spatial, steps]: a step a tile
    tiles = grid(shown[None], scale="all", columns=1, zoom=zoom, gap=0, colormap=options.colormap)
    pictures = [Image.fromarray(tile) for tile in np.split(tiles, len(frames))]
    pictures[0].save(
        _made(path),
        save_all=True,
        append_images=pictures[1:],
        duration=_FRAME_MILLISECONDS,
        loop=0,
        disposal=1,
    )


WRITERS: dict[str, Callable[[Path, Picked, Sequence[int], Any], None]] = {
    "png": _write_png,
    "npy": _write_npy,
    "gif": _write_gif,
}


def _path(
    options: argparse.Namespace, kind: str, one: Picked, positions: Sequence[int], *, alone: bool
) -> Path:
    """--output itself for one file, else a path below it with the layer's name and the step."""
    output = Path(options.output)
    if output.suffix.lower() == f".{kind}":
        if alone:
            return output
        raise ValueError(
            f"--output is the file {str(output)!r}, and there is more than one to write: "
            "pass a directory, or choose one --layer and --step"
        )
    layer = output.joinpath(*(_safe(part) for part in one.tag.split("/")))
    if kind == "gif":
        return layer.with_name(f"{layer.name}-channel-{options.channel}.gif")
    channel = "" if options.channel is None else f"-channel-{options.channel}"
    return layer / f"step-{int(one.series.steps[positions[0]]):06d}{channel}.{kind}"


def _made(path: Path) -> Path:
    """The path, its directory made: only once there is something to write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _safe(name: str) -> str:
    """A layer's name as a file's, never one that leads elsewhere."""
    return re.sub(r"[^\w.:@+-]", "_", name).lstrip(".") or "_"


def _with_progress(jobs: list[Any]) -> Iterator[Any]:
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


def _names(names: Any) -> str:
    listed = [repr(name) for name in names]
    rest = f" and {len(listed) - 20} more" if len(listed) > 20 else ""
    return ", ".join(listed[:20]) + rest


def _span(paths: list[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} … {paths[-1]}"


if __name__ == "__main__":
    sys.exit(main())
