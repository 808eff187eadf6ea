"""Records of one batch at every step that a training loop tells of; knows no framework.

A framework's room shows what there is (entries, found with one small pass) and how to run it (a
pass over one slice), and counts the steps. The thread that trains runs the slices and hands over
what each layer adds; a worker merges, encodes and appends.
"""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tb_activations.record.options import Options
from tb_activations.training.attribution.wanted import Wanted
from tb_activations.training.batch import Batch, Slices
from tb_activations.training.cost import measured
from tb_activations.training.destination import (
    check_step,
    checked_log_dir,
    claim,
    how_to_look,
    release,
    warn_of_later,
)
from tb_activations.training.explaining import Attributions
from tb_activations.training.facts import Facts
from tb_activations.training.piece import Pass
from tb_activations.training.plan import Plan
from tb_activations.training.planner import Planner
from tb_activations.training.probe import Probe
from tb_activations.training.progress import telling
from tb_activations.training.selection import Entry
from tb_activations.training.update import Update
from tb_activations.training.whole import (
    Found,
    MakePass,
    Part,
    Settled,
    settled,
)
from tb_activations.training.worker import Worker

SLICE = 32  # examples that run at once
QUEUE_BYTES = 32 << 20
MAX_BYTES_PER_UPDATE = 16 << 20
_COPIED = ("_worker", "_attributions", "_facts")  # what a copy of a recorder has of its own


@dataclass(frozen=True)
class _Prepared:
    plan: Plan
    probe: Probe
    parts: tuple[Part, ...]


class Recorder:
    """Appends the records of one model to one log directory, off the thread that trains.

    Args:
      log_dir: the run's directory.
      options: how records are made; how a layer is laid out is told by its entry.
      max_bytes_per_update: what one update may write, None for no limit. Where the layers take
        more, all are kept, with fewer examples and channels each.
      log_inputs: whether the inputs are recorded too, once; labels stand with them.
      receptive_fields: whether they are recorded, once, after the second record or at the end.
      attributions: what is explained beside, see `attribution.wanted`; None for nothing.
      verbose: 0 for no word about what will be written.

    step: the last that was recorded, None before the first.

    Raises:
      ValueError: a budget that is no positive number; a log_dir elsewhere, or that is a file.
      TypeError: a log_dir that is no path.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        options: Options,
        *,
        max_bytes_per_update: int | None = MAX_BYTES_PER_UPDATE,
        log_inputs: bool = True,
        receptive_fields: bool = True,
        attributions: Wanted | None = None,
        verbose: int = 1,
    ) -> None:
        self.log_dir = checked_log_dir(log_dir)
        self.step: int | None = None
        self._options = options
        self._planner = Planner(options, max_bytes_per_update)
        self._log_inputs = log_inputs
        self._inputs_due = log_inputs
        self._facts = Facts(receptive_fields)
        self._verbose = verbose
        self._attributions = Attributions(attributions, options, max_bytes_per_update, verbose)
        self._worker = Worker(self.log_dir)
        self._prepared: _Prepared | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle takes along; the pass is remade."""
        parts = {name: copy.copy(getattr(self, name)) for name in _COPIED}
        return {**vars(self), **parts, "_prepared": None}

    def prepare(
        self,
        entries: Iterable[tuple[Entry, Sequence[int]]],
        probe: Probe,
        make_pass: MakePass,
    ) -> None:
        """Plans what to keep of each entry, says so, and makes the pass that shows it.

        Before the first step, and again where another model is watched from now on.
        Args:
          entries: each with the shape that the layer returned, `(n, …)`.
          probe: what the pass is shown.
          make_pass: of the planned layers.

        Raises:
          ValueError: a layer whose record would be larger than the format allows.
        """
        self.prepare_attributions(probe)
        found = list(entries)
        plan = self.plan(found, probe)
        self.use(plan, probe, make_pass(plan.layers), found, make_pass)

    def plan(self, entries: Iterable[tuple[Entry, Sequence[int]]], probe: Probe) -> Plan:
        """What is kept of each entry, within the limit of an update."""
        before = (probe.arrays if self._log_inputs else 0) + len(self._attributions.tags)
        return self._planner.plan(entries, len(probe.batch), before)

    def prepare_attributions(self, probe: Probe) -> None:
        """Finds out what can be explained, before a plan. Raises TypeError, ValueError."""
        before = probe.arrays if self._log_inputs else 0
        self._attributions.prepare(probe.shown, len(probe.batch), before)

    def use(self, plan: Plan, probe: Probe, run: Pass, found: Found, make_pass: MakePass) -> None:
        """Records with the pass that shows the last plan, and says what each update will write.

        Layers that look across the batch, where it has several slices, get a pass of the whole.

        Args:
          found: what `plan` was made of.
          make_pass: of other layers.
        """
        result = Settled(plan, (Part(probe.slices, run),))
        if isinstance(probe.slices, Slices) and probe.divisible:
            replan = functools.partial(self.plan, probe=probe)
            with telling("comparing slices of the data with the whole", self._verbose):
                result = settled(found, plan, probe.slices, run, make_pass, replan)
        self._attributions.settle(result.plan.examples, self.log_dir)
        self._planner.say(result, self.log_dir, self._verbose)
        self._prepared = _Prepared(result.plan, probe, result.parts)

    def start(self, step: int, to_continue: str) -> None:
        """The first record, of what training starts with. What the pass raises is raised.

        Warns where the directory holds later steps, which this one would hide.

        Args:
          to_continue: how the user counts on instead, as `destination.warn_of_later` has it.
        """
        check_step(step)
        warn_of_later(self.log_dir, step, to_continue)
        with telling("the first record", self._verbose):
            self._record(step)

    def update(self, step: int) -> None:
        """A later record. What fails now was not knowable before: it does not stop training."""
        try:
            self._record(step)
        except Exception as e:
            self._worker.log.complain(f"the activations of step {step} could not be computed: {e}")
        self._find_fields()
        self._worker.warn()

    @property
    def explains_epochs(self) -> bool:
        """Whether `end_epoch` has something to do."""
        return self._attributions.of_epochs

    def end_epoch(self, step: int) -> None:
        """An epoch has ended at this step: explains, where that is done once an epoch."""
        if self._attributions.due_at_end(step):
            try:
                self._attributions.explain(step, self._new_update(step), self._worker.hand_over)
            except Exception as e:
                self._worker.log.complain(f"step {step} could not be explained: {e}")
            self._worker.warn()

    def flush(self) -> None:
        """Waits until everything that was recorded so far is on disk."""
        self._worker.drain()
        self._worker.warn()

    def close(self) -> None:
        """Flushes, and lets go of the file and the thread; a later step opens others."""
        self._find_fields()
        self._worker.close(self._verbose)
        release(self)
        self._worker.warn()
        if self._verbose and self.step is not None:
            print(f"Activations: {how_to_look(self.log_dir)}")

    @property
    def probe(self) -> Probe:
        """What the model is shown, as it was prepared last."""
        return self._ready().probe

    def _ready(self) -> _Prepared:
        if self._prepared is None:
            raise RuntimeError("nothing is prepared; call prepare before the first step")
        return self._prepared

    @measured
    def _record(self, step: int) -> None:
        """Runs the pass over every slice, and hands over what it shows."""
        plan, probe = self._ready().plan, self._ready().probe
        tags = [one.name for one in plan.layers]
        tags += [one.name for one in probe.inputs if self._log_inputs] + self._attributions.tags
        claim(self, self.log_dir, tags if probe.writes else [])
        update = self._new_update(step)
        if self._inputs_due:
            self._worker.hand_over_inputs(update, probe)
            self._inputs_due = False
        self._facts.note(probe, update, self._worker)
        take = functools.partial(self._worker.hand_over_piece, update)
        for part in self._ready().parts:
            left = plan.examples
            for piece in part.slices:
                keep = min(left, len(Batch(piece)))
                part.run(piece, keep, take)
                left -= keep
        self._worker.finish(update)
        self.step = step
        if self._attributions.due_at_update():
            self._attributions.explain(step, update, self._worker.hand_over)

    def _new_update(self, step: int) -> Update:
        plan, probe = self._ready().plan, self._ready().probe
        # Labels stand with the inputs; with the layers where no input is recorded.
        labels = None if self._log_inputs and probe.inputs else probe.labels
        update = Update(plan, step, self._options, labels, self._worker.log, self._planner.budget)
        if not probe.writes:
            update.discard()
        return update

    def _find_fields(self) -> None:
        """The receptive fields, once; after the start, for which no step waits."""
        if self._prepared is None or self.step is None:
            return
        plan, probe = self._prepared.plan, self._prepared.probe
        update = Update(plan, self.step, self._options, None, self._worker.log)
        self._facts.find_fields(probe, plan.layers, update, self._worker, self._verbose)
