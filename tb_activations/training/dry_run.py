"""What one update would write, from a rehearsal of it in a directory that is thrown away.

Owns `DryRun`: a `KeptLayer` a tag, in the order of the log, and a `LeftOut` for each layer of which
nothing would be written. Sizes are read off the records that the rehearsal wrote.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto import event_pb2

from tb_activations.eventfile.frame import FRAME_FOOTER_BYTES, FRAME_HEADER_BYTES
from tb_activations.eventfile.walk import Frames
from tb_activations.eventfile.writer import event_files
from tb_activations.record.metadata import parse_metadata
from tb_activations.record.options import check_rank
from tb_activations.record.storage import check_dtype
from tb_activations.record.values import WholeRecord
from tb_activations.training.plan import megabytes


@dataclass(frozen=True)
class KeptLayer:
    """One layer that would be logged.

    shape: of all that it returns, channels last, `(n, *spatial, c)`. examples, channels: how many
    of them are kept; statistics are over all. bytes: of its record, compressed.
    """

    name: str
    shape: tuple[int, ...]
    examples: int
    channels: int
    bytes: int


@dataclass(frozen=True)
class LeftOut:
    """One layer, or one output of it, that would not be logged, and why not."""

    name: str
    reason: str


@dataclass(frozen=True)
class DryRun:
    """What an update would write, what not, and what it takes.

    bytes: of one update on disk. once: bytes written a single time, of the inputs. seconds: for
    which training waits at an update. writing: seconds until the last of it is on disk, beside
    training. attributions: the tags of an explanation, and explaining: the seconds for which
    training waits for one; without attributions none, and 0. told: whether its table was printed,
    which `print` then does not do again.
    """

    kept: tuple[KeptLayer, ...]
    left_out: tuple[LeftOut, ...]
    bytes: int
    once: int
    seconds: float
    writing: float
    attributions: tuple[KeptLayer, ...] = ()
    explaining: float = 0.0
    told: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        """The table; once that was printed, one line."""
        return repr(self) if self.told else self.table()

    def table(self) -> str:
        """The layers, what is left out with reasons, and what an update takes."""
        rows = _table((*self.kept, *self.attributions))
        return "\n".join([*rows, *self._without(), *self._costs()])

    def __repr__(self) -> str:
        """In one line, for a prompt, which shows it below the table that `check` has printed."""
        kept, left = len(self.kept), len(self.left_out)
        return f"<DryRun: {kept} kept, {left} left out, {megabytes(self.bytes)} an update>"

    def shown(self, verbose: int) -> DryRun:
        """Prints the table, where words are wanted."""
        if not verbose:
            return self
        print(self.table())
        return replace(self, told=True)

    def _without(self) -> Iterator[str]:
        for one in self.left_out:
            yield f"left out: {one.name!r}: {one.reason}"

    def _costs(self) -> Iterator[str]:
        count = len(self.kept)
        layers = "1 layer" if count == 1 else f"{count} layers"
        yield (
            f"an update: {layers}, {megabytes(self.bytes)}; training waits "
            f"{_duration(self.seconds)}, all is on disk {_duration(self.writing)} later"
        )
        if self.attributions:
            count, size = len(self.attributions), sum(one.bytes for one in self.attributions)
            tags = "1 tag" if count == 1 else f"{count} tags"
            yield (
                f"an explanation: {tags}, {megabytes(size)}; training waits "
                f"{_duration(self.explaining)}"
            )
        if self.once:
            yield f"once: the inputs, {megabytes(self.once)}"


@dataclass(frozen=True)
class _Written:
    layer: KeptLayer
    kind: str
    step: int


def together(found: Mapping[str, DryRun]) -> DryRun:
    """What the updates of several models take together; names begin with the model's."""
    runs = found.values()
    return DryRun(
        tuple(_within(name, one) for name, run in found.items() for one in run.kept),
        tuple(_within(name, one) for name, run in found.items() for one in run.left_out),
        sum(run.bytes for run in runs),
        sum(run.once for run in runs),
        sum(run.seconds for run in runs),
        sum(run.writing for run in runs),
        tuple(_within(name, one) for name, run in found.items() for one in run.attributions),
        sum(run.explaining for run in runs),
    )


def _within(model: str, one: Any) -> Any:
    return replace(one, name=f"{model}/{one.name}")


def why_not(name: str, dtype: np.dtype | None, shape: Sequence[int], count: int) -> LeftOut | None:
    """Why an output cannot be logged, None where it can.

    Args:
      dtype: None for one that NumPy does not have, such as bfloat16.
      shape: as the layer returned it for `count` examples.
    """
    try:
        if dtype is not None:
            check_dtype(dtype)
        check_rank(len(shape))
    except (TypeError, ValueError) as e:
        return LeftOut(name, str(e))
    if shape[0] != count:
        return LeftOut(name, f"it returns {tuple(shape)} for {count} examples")
    if 0 in shape:
        return LeftOut(name, f"it returns {tuple(shape)}, which holds no values")
    return None


def rehearsed(log_dir: str | os.PathLike[str], step: int, seconds: float, writing: float) -> DryRun:
    """What the records in `log_dir` say of the update at `step`; nothing is said to be left out."""
    written = list(_written(log_dir))
    kept = tuple(one.layer for one in written if one.kind == "activation" and one.step == step)
    maps = tuple(one.layer for one in written if one.kind == "attribution" and one.step == step)
    once = sum(one.layer.bytes for one in written if one.kind not in ("activation", "attribution"))
    return DryRun(kept, (), sum(one.bytes for one in kept), once, seconds, writing, maps)


def _written(log_dir: str | os.PathLike[str]) -> Iterator[_Written]:
    """Every record of a run, in the order of writing."""
    for name in event_files(os.fspath(log_dir)):
        path = Path(log_dir) / name
        content = path.read_bytes()
        with path.open("rb") as file:
            frames = Frames(str(path)).walk(file.fileno(), lambda *_: None, lambda _: None)
            for start, length, _, _ in filter(None, frames):
                first = start + FRAME_HEADER_BYTES
                event = event_pb2.Event.FromString(content[first : first + length])
                yield from _records(event, length + FRAME_HEADER_BYTES + FRAME_FOOTER_BYTES)


def _records(event: event_pb2.Event, size: int) -> Iterator[_Written]:
    for value in event.summary.value:
        header = WholeRecord(list(value.tensor.string_val)).header
        shape = (header.batch, *header.shape[1:-1], header.channels)
        examples, channels = header.shape[0], header.shape[-1]
        kind = parse_metadata(value.metadata.plugin_data.content).kind
        layer = KeptLayer(value.tag, shape, examples, channels, size)
        yield _Written(layer, kind, event.step)


def _table(kept: tuple[KeptLayer, ...]) -> Iterator[str]:
    """Names, shapes, what is kept and sizes, in columns."""
    rows = [("layer", "shape", "examples", "channels", "bytes")]
    for one in kept:
        examples = f"{one.examples} of {one.shape[0]}"
        channels = f"{one.channels:,} of {one.shape[-1]:,}"
        rows.append((one.name, str(list(one.shape)), examples, channels, f"{one.bytes:,}"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for name, shape, *numbers in rows:
        right = [text.rjust(width) for text, width in zip(numbers, widths[2:], strict=True)]
        yield "  ".join([name.ljust(widths[0]), shape.ljust(widths[1]), *right])


def _duration(seconds: float) -> str:
    """`12 ms`, `3.4 s`."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(1, round(seconds * 1000))} ms"
