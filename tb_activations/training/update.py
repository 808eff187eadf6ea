"""One step of a recorder, on its worker: pieces of slices → records in the event file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tb_activations.record import encoder
from tb_activations.record.cost import UpdateCost, with_cost
from tb_activations.record.decoder import Blob
from tb_activations.record.header import parse_header
from tb_activations.record.options import Options
from tb_activations.record.run import RUN_TAG, RunFacts, run_blobs
from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.piece import Piece
from tb_activations.training.plan import LayerPlan, Plan
from tb_activations.training.record_log import RecordLog, Tag

_AROUND = 150  # bytes: an event's tag, metadata, lengths and checksums


class Update:
    """One step, on the worker: pieces of slices → records.

    budget: bytes that it may write, None for no limit. Where they do not suffice for records of
    precision "auto" to be float32, the layers that come later in the model stay float16.
    """

    def __init__(
        self,
        plan: Plan,
        step: int,
        options: Options,
        labels: list[str] | None,
        log: RecordLog,
        budget: int | None = 0,
    ) -> None:
        self._plan = plan
        self._layers = {layer.name: layer for layer in plan.layers}
        self._step = step
        self._wall_time = time.time()
        self._options = options
        self._labels = labels
        self._log = log
        self._spare = plan.spare(budget)
        self._discarded = False
        self._statistics: dict[str, ChannelStatistics] = {}
        self._kept: dict[str, list[np.ndarray]] = {}
        self._examples: dict[str, int] = {}
        self._sources: dict[str, str | None] = {}
        self._written = 0  # bytes of the records so far
        self.taken: tuple[float, float | None] | None = None  # `Cost.so_far` at its end

    def discard(self) -> None:
        """Another process of the same training writes."""
        self._discarded = True

    def guarded(self, task: Callable[[], None]) -> None:
        """Runs a task; what it raises costs records, not training."""
        try:
            task()
        except Exception as e:
            self._log.complain(f"the activations of step {self._step} could not be encoded: {e!r}")

    def add(self, name: str, piece: Piece) -> None:
        if self._discarded:
            return
        layer = self._layers[name]
        statistics = piece.statistics(layer)
        self._sources[name] = piece.source
        before = self._statistics.get(name)
        self._statistics[name] = before.merge(statistics) if before else statistics
        self._examples[name] = self._examples.get(name, 0) + piece.examples
        if piece.keep:
            self._kept.setdefault(name, []).append(_apart(piece.kept_values(layer), piece.nbytes))

    def add_input(
        self, tag: Tag, array: np.ndarray, channels_first: bool, labels: list[str] | None
    ) -> None:
        if self._discarded:
            return
        options = replace(
            self._options,
            max_outputs=self._plan.examples,
            max_channels=None,
            data_format="channels_first" if channels_first else "channels_last",
        )
        blobs = encoder.blobs(encoder.keep(array, options), labels, options)
        self._log.write(tag, blobs, self._step, self._wall_time)

    def add_facts(self, facts: RunFacts) -> None:
        """The record of what is constant for the run."""
        if not self._discarded:
            self._log.write(Tag(RUN_TAG, "run", 0), run_blobs(facts), self._step, self._wall_time)

    def labels(self, count: int) -> list[str] | None:
        """Of the first examples, where they stand with the layers."""
        return None if self._labels is None else self._labels[:count]

    def write(self, tag: Tag, blobs: list[bytes]) -> None:
        """A record of another kind, of this step."""
        if not self._discarded:
            self._log.write(tag, blobs, self._step, self._wall_time)

    def finish(self) -> None:
        layers = [layer for layer in self._plan.layers if layer.name in self._statistics]
        for layer in layers:
            self._write(layer, last=layer is layers[-1])

    def _write(self, layer: LayerPlan, last: bool) -> None:
        pieces = self._kept[layer.name]
        kept = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        labels = self.labels(len(kept))
        held = encoder.Kept(
            kept,
            self._statistics[layer.name],
            batch=self._examples[layer.name],
            channels=layer.channels,
            channel_ids=layer.channel_ids,
            source=self._sources[layer.name],
        )
        options = self._precise(kept)
        blobs = encoder.blobs(held, labels, options)
        if options.precision == "auto" and parse_header(blobs[Blob.HEADER]).dtype == "float32":
            self._spare -= 2 * kept.size
        self._written += sum(map(len, blobs)) + _AROUND
        if last and self.taken is not None:
            seconds, share = self.taken
            blobs = with_cost(blobs, UpdateCost(seconds, share, self._written))
        tag = Tag(layer.name, "activation", layer.order)
        self._log.write(tag, blobs, self._step, self._wall_time)

    def _precise(self, kept: np.ndarray) -> Options:
        """The options, "auto" among them only where float32 stays within what was promised."""
        more = 2 * kept.size
        if self._options.precision != "auto" or more <= self._spare:
            return self._options
        return replace(self._options, precision="float16")


def _apart(kept: np.ndarray, held: int) -> np.ndarray:
    """What is kept, copied where it would hold on to more than twice its bytes."""
    return kept if held <= 2 * kept.nbytes else np.array(kept)
