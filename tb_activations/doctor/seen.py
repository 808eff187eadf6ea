"""What the tab will show of a log directory: runs, layers, steps; what it passes over, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

from tb_activations.doctor.installed import version
from tb_activations.doctor.line import Line, wrong
from tb_activations.eventfile.local import is_remote
from tb_activations.record.errors import RecordError
from tb_activations.record.header import Header
from tb_activations.sources.series import Gone, quoted
from tb_activations.sources.timeline.runs import runs_below
from tb_activations.sources.timeline.timeline import RunTimeline
from tb_activations.sources.warn import WarnOnce

LISTED = 30  # layers of a run, and things that are wrong with it
# What fsspec, through which TensorBoard reads, asks for.
_FILE_SYSTEMS = {
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "hf": "huggingface_hub",
    "s3": "s3fs",
    "s3a": "s3fs",
}


class Said(WarnOnce):
    """Keeps what the server would have warned about."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: list[str] = []

    def __call__(self, subject: object, message: str, *values: object) -> bool:
        self.sentences.append(message % values)
        return True


def seen(log_dir: str) -> Iterator[Line]:
    """The lines about one log directory."""
    if is_remote(log_dir):
        yield from _remote(log_dir)
    elif os.path.isfile(log_dir):
        folder = os.path.dirname(log_dir) or "."
        yield wrong(f"this is a file: TensorBoard is given its directory, --logdir {folder}")
    elif not os.path.isdir(log_dir):
        yield wrong(f"there is no such directory, seen from {os.getcwd()}")
        if "," in log_dir or ":" in log_dir:
            yield Line("one directory at a time is read here, no list as of --logdir_spec")
    else:
        yield from _local(log_dir)


def _local(log_dir: str) -> Iterator[Line]:
    said, closed = Said(), list[OSError]()
    runs = runs_below(log_dir, said, closed.append)
    for error in closed:
        yield wrong(f"{error.filename} cannot be listed: {error.strerror}")
    shown = {name: run for name, run in runs.items() if run.tags()}
    for name, run in shown.items():
        yield from _run(name, run)
    for name, run in runs.items():
        yield from _passed_over(name, run)
    yield from map(wrong, said.sentences[:LISTED])
    if len(said.sentences) > LISTED:
        yield wrong(f"and {len(said.sentences) - LISTED} more of these")
    others = len(runs) - len(shown)
    if not runs:
        yield wrong("there is no event file below it (tfevents in its name)")
    elif not shown:
        yield wrong(f"{others} directories hold event files, none of them activations")
    elif others:
        yield Line(f"{others} more directories hold event files without activations")


def _run(name: str, run: RunTimeline) -> Iterator[Line]:
    tags = run.tags()
    yield Line(f"run {name!r}: {_some(len(tags), 'layer')}, {_some(run.records, 'record')}")
    for tag in tags[:LISTED]:
        yield Line(f"  {quoted(tag)}: {_layer(run, tag)}")
    if len(tags) > LISTED:
        yield Line(f"  and {_some(len(tags) - LISTED, 'more layer')}")


def _passed_over(name: str, run: RunTimeline) -> Iterator[Line]:
    """Layers of other versions, and files that are not read to their ends."""
    for tag, reason in run.unknown.items():
        yield wrong(f"layer {quoted(tag)} of run {name!r} will not be shown: {reason}")
    for file, rest in run.unread.items():
        path = os.path.join(run.directory, file)
        if rest == os.path.getsize(path):
            yield wrong(f"{path} is no event file: none of its {rest:,} bytes is a record")
        else:
            yield Line(f"{path} ends within a record ({rest:,} bytes): it grows, or was torn")


def _layer(run: RunTimeline, tag: str) -> str:
    series = run.series(tag)
    if series is None or not len(series.steps):
        return "no step"
    steps = series.steps
    count = f"{_some(len(steps), 'step')}, {steps[0]}"
    count += f" to {steps[-1]}" if len(steps) > 1 else ""
    try:
        return f"{count}; at the last one {_what(series.header(len(steps) - 1))}"
    except (RecordError, Gone, OSError) as e:
        return f"{count}; the last one cannot be read: {e}"


def _what(header: Header) -> str:
    if header.omitted:
        return f"statistics of {_some(header.channels, 'channel')} and no values, {header.omitted}"
    kept = f"of {_some(header.batch, 'example')} and {_some(header.channels, 'channel')}"
    return f"{list(header.shape)} {kept}, {header.dtype}"


def _some(count: int, noun: str) -> str:
    """`1 layer`, `2 layers`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _remote(log_dir: str) -> Iterator[Line]:
    """TensorBoard reads what is remote; what it needs for that is installed or not."""
    scheme = log_dir.partition("://")[0]
    yield Line(
        "this is remote: it is read through TensorBoard, which keeps a sample of 10 steps a layer; "
        "--samples_per_plugin=activations=1000 keeps more, in its memory"
    )
    if missing := _missing(scheme):
        yield wrong(f"TensorBoard cannot read {scheme}:// here: {missing}")
    else:
        yield Line("what is there is not looked at from here: copy it, and ask again for the copy")


def _missing(scheme: str) -> str | None:
    """What TensorBoard lacks to read such paths, None where it has it."""
    if version("tensorflow") or version("tensorflow-cpu"):
        if scheme == "gs" or version("tensorflow-io"):
            return None
        return "where TensorFlow is installed it reads through it, and that needs tensorflow-io"
    if scheme == "s3" and find_spec("boto3"):
        return None
    if scheme == "gs" and version("tensorboard-data-server"):
        return None
    needs = [name for name in ("fsspec", _FILE_SYSTEMS.get(scheme)) if name and not find_spec(name)]
    return f"pip install {' '.join(needs)}" if needs else None
