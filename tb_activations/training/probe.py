"""What a model is shown at every update, as a framework's room hands it to a recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tb_activations.record.run import RunFacts
from tb_activations.training.attribution.explainer import Shown
from tb_activations.training.batch import Batch, leaves
from tb_activations.training.plan import LayerPlan
from tb_activations.training.receptive import Input, Look

MakeLook = Callable[[tuple[LayerPlan, ...]], Look]


@dataclass(frozen=True)
class Probe:
    """What a model is shown at every update.

    batch: as it was given. slices: it, cut and converted as the pass takes it; iterated at every
    update. inputs: those that can be logged. labels: one an example, or None. writes: False in a
    process that runs the pass while another one writes. make_look: of the planned layers, a look at
    the model with other inputs, to find receptive fields; None where that cannot be. divisible:
    whether the model takes any number of examples at once. shown: for attributions, the model and
    what is known of its classes; None where it cannot be explained. facts: what is constant for the
    run, as far as it is known before the first step.
    """

    batch: Batch
    slices: Iterable[Any]
    inputs: Sequence[Input] = ()
    labels: list[str] | None = None
    writes: bool = True
    make_look: MakeLook | None = None
    divisible: bool = True
    shown: Shown | None = None
    facts: RunFacts = field(default_factory=RunFacts)

    @property
    def arrays(self) -> int:
        """How many the inputs are."""
        return len(leaves(self.batch.inputs))
