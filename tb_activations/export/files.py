"""What a log directory holds → PNG, NPY or an animated GIF.

Reads every step of local event files through the timeline; writes one file for each layer and step,
or one film for each layer. Needs no TensorFlow.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tb_activations.eventfile.local import check_local
from tb_activations.export.grid import grid
from tb_activations.export.paths import FORMATS, check_output, folders, is_directory, made
from tb_activations.record.header import Header
from tb_activations.record.storage import restore
from tb_activations.record.values import read_values
from tb_activations.sources.timeline.runs import runs_below
from tb_activations.sources.timeline.series import TimelineSeries
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.warn import WarnOnce

STEPS = ("first", "last", "all")
_FRAME_MILLISECONDS = 120
_FILM_WIDTH = 256  # pixels that a film's picture is enlarged to, about


@dataclass(frozen=True)
class Request:
    """What to export, checked in the constructor, which raises ValueError.

    output: a file where one is written, else a directory. run: None where there is only one.
    layers: names and globs, none for all. step: a number, or one of STEPS. example: a position
    among those kept. channel: an id, None for all. The rest is as for `grid`.
    """

    log_dir: str | os.PathLike[str]
    output: str | os.PathLike[str]
    format: str = "png"
    run: str | None = None
    layers: tuple[str, ...] = ()
    step: int | str = "last"
    example: int = 0
    channel: int | None = None
    zoom: int | None = None
    columns: int | None = None
    scale: str = "channel"
    colormap: str | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"format is {self.format!r}; it must be one of {FORMATS}")
        if isinstance(self.step, str) and self.step not in STEPS:
            raise ValueError(f"step is {self.step!r}; it must be a number or one of {STEPS}")
        if self.format == "gif" and self.channel is None:
            raise ValueError("a GIF shows one channel over the steps: pass --channel")
        check_local(self.log_dir, "log_dir")
        check_local(self.output, "--output")
        check_output(self.output, self.format)

    @property
    def is_file(self) -> bool:
        """Whether `output` is one file's name."""
        output = Path(self.output)
        return output.suffix.lower() == f".{self.format}" and not is_directory(self.output)


@dataclass(frozen=True)
class Picked:
    """One layer and the positions of its steps to write."""

    run: str
    tag: str
    series: TimelineSeries
    positions: tuple[int, ...]


Job = tuple[Picked, tuple[int, ...]]  # a layer, and the positions that go into one file


def export(
    request: Request, progress: Callable[[Sequence[Job]], Iterable[Job]] = iter
) -> list[Path]:
    """Writes what is asked for; the paths, in order.

    Args:
      progress: passes the jobs on, and may tell of each.

    Raises:
      ValueError: a run, layer, step, example or channel that is not there.
      OSError, RecordError, Gone: what cannot be read or written.
    """
    jobs = [
        (one, positions)
        for one in _picked(_runs(Path(request.log_dir)), request)
        for positions in (
            [one.positions] if request.format == "gif" else [(p,) for p in one.positions]
        )
    ]
    if not jobs:
        raise ValueError(f"{request.log_dir} holds no step of what was asked for")
    if request.is_file and len(jobs) > 1:
        raise ValueError(
            f"--output is the file {str(request.output)!r}, and there are {len(jobs)} to write: "
            "pass a directory, or choose one --layer and --step"
        )
    names = folders([one.tag for one, _ in jobs])
    written = []
    for one, positions in progress(jobs):
        path = _path(request, names[one.tag], one, positions)
        WRITERS[request.format](path, one, positions, request)
        written.append(path)
    return written


def _runs(log_dir: Path) -> dict[str, RunTimeline]:
    """Run name → its timeline, of every directory that holds activations."""
    if not log_dir.is_dir():
        raise ValueError(f"no directory {str(log_dir)!r}")
    runs = {name: run for name, run in runs_below(log_dir, WarnOnce()).items() if run.tags()}
    if not runs:
        raise ValueError(f"{log_dir} holds no activations")
    return runs


def _picked(runs: dict[str, RunTimeline], request: Request) -> Iterator[Picked]:
    run = request.run if request.run is not None else _only(runs)
    if run not in runs:
        raise ValueError(f"no run {run!r}; there are {_names(runs)}")
    tags = runs[run].tags()
    for tag in _chosen(tags, request.layers):
        series = runs[run].series(tag)
        if series is not None and len(series.steps):
            yield Picked(run, tag, series, _positions(series, request.step, tag))


def _only(runs: dict[str, RunTimeline]) -> str:
    if len(runs) > 1:
        raise ValueError(f"there are runs {_names(runs)}: pass --run")
    return next(iter(runs))


def _chosen(tags: list[str], asked: Sequence[str]) -> list[str]:
    if not asked:
        return tags
    for one in asked:
        if one not in tags and not fnmatch.filter(tags, one):
            raise ValueError(f"no layer {one!r}; there are {_names(tags)}")
    return [tag for tag in tags if any(tag == a or fnmatch.fnmatchcase(tag, a) for a in asked)]


def _positions(series: TimelineSeries, step: int | str, tag: str) -> tuple[int, ...]:
    steps = series.steps
    count = len(steps)
    words = {"first": range(1), "last": range(count - 1, count), "all": range(count)}
    if isinstance(step, str):
        return tuple(words[step])
    found = np.flatnonzero(steps == step)
    if not len(found):
        raise ValueError(f"no step {step} of {tag!r}; there are {steps[0]} to {steps[-1]}")
    return (int(found[0]),)


def _values(one: Picked, position: int, request: Request) -> np.ndarray:
    """The true values of one example, float64 `[*spatial, c]`; one channel where one is asked."""
    record = one.series.record(position)
    header, step = record.header, int(one.series.steps[position])
    n, c = header.stored_shape[:2]
    if header.omitted:
        raise ValueError(f"step {step} of {one.tag!r} has no values: {header.omitted}")
    if not 0 <= request.example < n:
        raise ValueError(f"no example {request.example} in {one.tag!r}; it keeps 0 to {n - 1}")
    examples = slice(request.example, request.example + 1)
    channels = slice(0, c)
    if request.channel is not None:
        channels = _channel(one.tag, header, request.channel)
    stored = read_values(record, examples, channels)
    return np.moveaxis(restore(stored[0], header.exponent), 0, -1)


def _channel(tag: str, header: Header, channel: int) -> slice:
    ids = list(header.channel_ids or range(header.channels))
    if channel not in ids:
        raise ValueError(f"no channel {channel} in {tag!r}; it keeps {ids[0]} to {ids[-1]}")
    at = ids.index(channel)
    return slice(at, at + 1)


def _write_png(path: Path, one: Picked, positions: Sequence[int], request: Request) -> None:
    values = _values(one, positions[0], request)
    picture = grid(
        values[None],
        scale=request.scale,
        columns=request.columns,
        zoom=request.zoom or 1,
        colormap=_colormap(one, positions[0], request),
    )
    Image.fromarray(picture).save(made(path))


def _colormap(one: Picked, position: int, request: Request) -> str | None:
    """That of the request; else maps of attributions are about 0, whatever signs they have."""
    if request.colormap is None and one.series.header(position).attribution is not None:
        return "RdBu"
    return request.colormap


def _write_npy(path: Path, one: Picked, positions: Sequence[int], request: Request) -> None:
    """float32 where that holds every value, else float64."""
    values = _values(one, positions[0], request)
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    np.save(made(path), narrow if np.array_equal(narrow, values, equal_nan=True) else values)


def _write_gif(path: Path, one: Picked, positions: Sequence[int], request: Request) -> None:
    """One range for all frames: a range a frame would hide growth and collapse."""
    frames = [_values(one, position, request) for position in positions]
    if len({frame.shape for frame in frames}) > 1:
        raise ValueError(f"{one.tag!r} changes its shape over the steps: no film can show that")
    film = np.stack(frames)  # [steps, *spatial, 1]
    side = film.shape[-2] if film.ndim > 2 else 8
    zoom = request.zoom or max(1, _FILM_WIDTH // side)
    shown = np.moveaxis(film, 0, -1)[..., 0, :]  # [*spatial, steps]: a step a tile
    colours = _colormap(one, positions[-1], request)
    tiles = grid(shown[None], scale="all", columns=1, zoom=zoom, gap=0, colormap=colours)
    pictures = [Image.fromarray(tile) for tile in np.split(tiles, len(frames))]
    pictures[0].save(
        made(path),
        save_all=True,
        append_images=pictures[1:],
        duration=_FRAME_MILLISECONDS,
        loop=0,
        disposal=1,
    )


WRITERS: dict[str, Callable[[Path, Picked, Sequence[int], Request], None]] = {
    "png": _write_png,
    "npy": _write_npy,
    "gif": _write_gif,
}


def _path(request: Request, folder: Path, one: Picked, positions: Sequence[int]) -> Path:
    """`output` itself for one file, else a path below it with the layer's name and the step."""
    if request.is_file:
        return Path(request.output)
    layer, kind = Path(request.output) / folder, request.format
    if kind == "gif":
        return layer.with_name(f"{layer.name}-channel-{request.channel}.gif")
    channel = "" if request.channel is None else f"-channel-{request.channel}"
    return layer / f"step-{int(one.series.steps[positions[0]]):06d}{channel}.{kind}"


def _names(names: Any) -> str:
    listed = [repr(name) for name in names]
    rest = f" and {len(listed) - 20} more" if len(listed) > 20 else ""
    return ", ".join(listed[:20]) + rest
