"""Records of one batch at every step that a training loop tells of; knows no framework.

A framework's room shows what there is (entries, found with one small pass) and how to run it (a
pass over one slice), and counts the steps. The thread that trains runs the slices and hands over
what each layer adds; a worker merges, encodes and appends.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tb_activations.record.options import Options
from tb_activations.record.run import RunFacts
from tb_activations.training.batch import Batch, Slices, leaves
from tb_activations.training.byte_queue import ByteQueue
from tb_activations.training.destination import (
    check_step,
    checked_log_dir,
    claim,
    how_to_look,
    release,
    warn_of_later,
)
from tb_activations.training.piece import Pass, Piece
from tb_activations.training.plan import LayerPlan, Plan
from tb_activations.training.planner import Planner
from tb_activations.training.progress import telling
from tb_activations.training.receptive import Input, Look, fields_of_inputs
from tb_activations.training.record_log import RecordLog, Tag
from tb_activations.training.selection import Entry
from tb_activations.training.update import Update
from tb_activations.training.whole import (
    Found,
    MakePass,
    Part,
    Settled,
    settled,
)

SLICE = 32  # examples that run at once
QUEUE_BYTES = 32 << 20
MAX_BYTES_PER_UPDATE = 16 << 20

MakeLook = Callable[[tuple[LayerPlan, ...]], Look]


@dataclass(frozen=True)
class Probe:
    """What a model is shown at every update.

    batch: as it was given. slices: it, cut and converted as the pass takes it; iterated at every
    update. inputs: those that can be logged. labels: one an example, or None. writes: False in a
    process that runs the pass while another one writes. make_look: of the planned layers, a look at
    the model with other inputs, to find receptive fields; None where that cannot be. divisible:
    whether the model takes any number of examples at once.
    """

    batch: Batch
    slices: Iterable[Any]
    inputs: Sequence[Input] = ()
    labels: list[str] | None = None
    writes: bool = True
    make_look: MakeLook | None = None
    divisible: bool = True


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
        verbose: int = 1,
    ) -> None:
        self.log_dir = checked_log_dir(log_dir)
        self.step: int | None = None
        self._options = options
        self._planner = Planner(options, max_bytes_per_update)
        self._log_inputs = log_inputs
        self._inputs_due = log_inputs
        self._facts_due = receptive_fields
        self._verbose = verbose
        self._queue = ByteQueue(QUEUE_BYTES)
        self._log = RecordLog(self.log_dir)
        self._prepared: _Prepared | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle takes along; the queue, the log and the pass are remade."""
        remade = ("_queue", "_log", "_prepared")
        return {name: value for name, value in vars(self).items() if name not in remade}

    def __setstate__(self, state: dict[str, Any]) -> None:
        remade = dict(_queue=ByteQueue(QUEUE_BYTES), _log=RecordLog(state["log_dir"]))
        vars(self).update(state, **remade, _prepared=None)

    def prepare(
        self,
        entries: Iterable[tuple[Entry, Sequence[int]]],
        probe: Probe,
        make_pass: MakePass,
    ) -> None:
        """Plans what to keep of each entry, says so, and makes the pass that shows it.

        Called before the first step, and again where another model is watched from now on.

        Args:
          entries: each with the shape that the layer returned, `(n, …)`.
          probe: what the pass is shown.
          make_pass: of the planned layers.

        Raises:
          ValueError: a layer whose record would be larger than the format allows.
        """
        found = list(entries)
        plan = self.plan(found, probe)
        self.use(plan, probe, make_pass(plan.layers), found, make_pass)

    def plan(self, entries: Iterable[tuple[Entry, Sequence[int]]], probe: Probe) -> Plan:
        """What is kept of each entry, within the limit of an update."""
        before = len(leaves(probe.batch.inputs)) if self._log_inputs else 0
        return self._planner.plan(entries, len(probe.batch), before)

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
        self._planner.say(result, self.log_dir, self._verbose)
        self._prepared = _Prepared(result.plan, probe, result.parts)

    def start(self, step: int, to_continue: str) -> None:
        """The first record, of what training starts with. What the pass raises is raised.

        Warns where the directory holds later steps, which this one would hide.

        Args:
          to_continue: how the user counts on instead, with `{held}` for the last step held.
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
            self._log.complain(f"the activations of step {step} could not be computed: {e}")
        self._record_facts()
        self._warn()

    def flush(self) -> None:
        """Waits until everything that was recorded so far is on disk."""
        self._queue.drain()
        self._warn()

    def close(self) -> None:
        """Flushes, and lets go of the file and the thread; a later step opens others."""
        self._record_facts()
        with telling("writing what was recorded", self._verbose):
            self._queue.close()
        self._log.close()
        release(self)
        self._warn()
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

    def _record(self, step: int) -> None:
        """Runs the pass over every slice, and hands over what it shows."""
        ready = self._ready()
        plan, probe = ready.plan, ready.probe
        tags = [one.name for one in plan.layers]
        tags += [one.name for one in probe.inputs if self._log_inputs]
        claim(self, self.log_dir, tags if probe.writes else [])
        # Labels stand with the inputs; with the layers where no input is recorded.
        labels = None if self._log_inputs and probe.inputs else probe.labels
        update = Update(plan, step, self._options, labels, self._log)
        if not probe.writes:
            update.discard()
        if self._inputs_due:
            self._hand_over_inputs(update, probe)
        take = functools.partial(self._hand_over_piece, update)
        for part in ready.parts:
            left = plan.examples
            for piece in part.slices:
                keep = min(left, len(Batch(piece)))
                part.run(piece, keep, take)
                left -= keep
        self._hand_over(update, update.finish)
        self.step = step

    def _record_facts(self) -> None:
        """What is constant for the run, once; after the start, for which no step waits."""
        due, self._facts_due = self._facts_due, False
        if not due or self._prepared is None or self.step is None:
            return
        plan, probe = self._prepared.plan, self._prepared.probe
        if not probe.writes or probe.make_look is None:
            return
        update = Update(plan, self.step, self._options, None, self._log)
        try:
            with telling("finding the receptive fields", self._verbose):
                fields = fields_of_inputs(plan.layers, probe.inputs, probe.make_look(plan.layers))
        except Exception as e:
            self._log.complain(f"the receptive fields could not be found: {e}")
            return
        self._hand_over(update, functools.partial(update.add_facts, RunFacts(fields)))

    def _hand_over(self, update: Update, task: Callable[[], None], size: int = 0) -> None:
        self._queue.put(functools.partial(update.guarded, task), size)

    def _hand_over_piece(self, update: Update, name: str, piece: Piece) -> None:
        self._hand_over(update, functools.partial(update.add, name, piece), piece.nbytes)

    def _hand_over_inputs(self, update: Update, probe: Probe) -> None:
        for order, one in enumerate(probe.inputs):
            tag = Tag(one.name, "input", order)
            add = functools.partial(update.add_input, tag, one.array, one.channels_first)
            self._hand_over(update, functools.partial(add, one.labels or probe.labels))
        self._inputs_due = False

    def _warn(self) -> None:
        complaint = self._log.take_complaint()
        if complaint:
            warnings.warn(complaint, stacklevel=3)
