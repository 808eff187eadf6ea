"""What is constant for a run, on its way to the run's record.

Some of it is known at the first step and written there; the receptive fields, which take runs of
the model, are found later. Each record holds all that is known by then.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from tb_activations.record.run import RunFacts
from tb_activations.training.probe import Probe
from tb_activations.training.progress import telling
from tb_activations.training.receptive import fields_of_inputs
from tb_activations.training.update import Update
from tb_activations.training.worker import Worker


class Facts:
    """What was written, and what is still to be found.

    Args:
      fields: whether the receptive fields are.
    """

    def __init__(self, fields: bool) -> None:
        self._fields_due = fields
        self._written = RunFacts()

    def note(self, probe: Probe, update: Update, worker: Worker) -> None:
        """Writes what the probe knows, where it is news."""
        fields = self._written.receptive_fields
        self._write(replace(probe.facts, receptive_fields=fields), update, worker)

    def find_fields(
        self, probe: Probe, layers: Any, update: Update, worker: Worker, verbose: int
    ) -> None:
        """Finds, once, which part of the inputs the layers see."""
        due, self._fields_due = self._fields_due, False
        if not due or not probe.writes or probe.make_look is None:
            return
        try:
            with telling("finding the receptive fields", verbose):
                fields = fields_of_inputs(layers, probe.inputs, probe.make_look(layers))
        except Exception as e:
            worker.log.complain(f"the receptive fields could not be found: {e}")
            return
        self._write(replace(probe.facts, receptive_fields=fields), update, worker)

    def _write(self, facts: RunFacts, update: Update, worker: Worker) -> None:
        if facts != self._written:
            self._written = facts
            worker.hand_over(update, functools.partial(update.add_facts, facts))
