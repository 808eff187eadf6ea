"""An `nn.Module` and its data, as a logger sees them."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import torch
from torch import nn

from tb_activations.training.attribution.explainer import Shown
from tb_activations.training.batch import Slices, indexed, span
from tb_activations.training.class_names import checked_names
from tb_activations.training.classifiers import Known, facts_of
from tb_activations.training.dry_run import LeftOut
from tb_activations.training.piece import Pass
from tb_activations.training.plan import LayerPlan
from tb_activations.training.progress import telling
from tb_activations.training.recorder import SLICE, Probe, Recorder
from tb_activations.training.selection import Selection
from tb_activations.training.shapes import DataError
from tb_activations.training.torch.calls import MOST_CALLS
from tb_activations.training.torch.data import (
    Scale,
    clearer,
    describing,
    examples,
    named_classes,
    shown,
    targets,
    with_all,
)
from tb_activations.training.torch.forward import check_model
from tb_activations.training.torch.gradients import TorchExplained
from tb_activations.training.torch.look import ModuleLook, can_look
from tb_activations.training.torch.passes import WatchedPass
from tb_activations.training.torch.private import is_sharded
from tb_activations.training.torch.survey import Survey, how_of, surveyed
from tb_activations.training.watched import Wishes

_SHOWN = 20


class WatchedModule:
    """See `training.watched.Watched`.

    survey: what there is of the model, once it is prepared.

    Raises:
      TypeError, ValueError, DataError: no module, or wishes or data that cannot be.
    """

    def __init__(self, model: Any, data: Any, wishes: Wishes) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model is a {type(model).__name__}; it must be a torch.nn.Module")
        self.explicit = Selection(wishes.layers).explicit
        self.survey: Survey | None = None
        self.how = how_of(wishes)
        self.model = model
        self._wishes = wishes
        self._scale = Scale.of(wishes.input_scale)
        given = checked_names(wishes.class_names)
        self.batch, self._labels = examples(model, data, given, wishes.examples)
        self._class_names = named_classes(model, data, given)
        self._built: list[int] = []

    @property
    def count(self) -> int:
        return len(self.batch)

    @property
    def runs(self) -> bool:
        return _rank() == 0 or is_sharded(self.model)

    def prepare(self, recorder: Recorder) -> None:
        built = [id(one) for one in self.model.modules()]
        if built == self._built:
            return
        check_model(self.model)
        with telling("looking at the layers of the model", self._wishes.verbose):
            survey = self._survey()
        self._say(survey)
        run = partial(self._pass, survey)
        with describing(self.batch.inputs, "data", self.model):
            recorder.prepare(survey.found, self._probe(survey), run)
        self.survey, self._built = survey, built

    def left_out(self, kept: set[str]) -> list[LeftOut]:
        """All of the model that has no record, with reasons, where nothing was asked for."""
        if self.explicit or self.survey is None:
            return []
        found = [*self.survey.passed, *self.survey.left_out, *self.survey.idle]
        return [one for one in found if one.name not in kept]

    def _survey(self) -> Survey:
        try:
            return surveyed(self.model, self.batch, self._wishes.layers, self.how)
        except DataError as refused:
            other = with_all(self.batch)
            if other is None:
                raise
            try:
                survey = surveyed(self.model, other, self._wishes.layers, self.how)
            except DataError as again:
                raise clearer(refused, again) from None
            self.batch = other
            return survey

    def _pass(
        self, survey: Survey, layers: tuple[LayerPlan, ...], gather: bool | None = None
    ) -> Pass:
        return WatchedPass(self.model, layers, survey.layouts, self.how, gather)

    def _probe(self, survey: Survey) -> Probe:
        batch, sharded = self.batch, is_sharded(self.model)
        size = SLICE if survey.divisible else len(batch)
        inputs = shown(batch, survey.inputs, self.how.first, self._scale)
        # On shards every rank must run the same passes.
        look = survey.divisible and can_look(batch) and not sharded
        whole = partial(self._pass, survey, gather=False)  # a look compares all values
        return Probe(
            batch,
            Slices(batch.inputs, size, indexed, _as_is),
            inputs,
            self._labels,
            _rank() == 0,
            partial(ModuleLook, whole, batch) if look else None,
            survey.divisible and not sharded,
            None if sharded else Shown(self._explain, targets(batch.labels), self._class_names),
            facts_of(survey.found, self._known()),
        )

    def _known(self) -> Known:
        names, given = self._class_names, self._wishes.class_names is not None
        return Known(targets(self.batch.labels), len(self.batch), names, given)

    def _explain(self, count: int, **asked: Any) -> TorchExplained:
        """The first examples of the batch, as attributions see them."""
        return TorchExplained(self.model, span(self.batch.inputs, 0, count), **asked)

    def _say(self, survey: Survey) -> None:
        if not self._wishes.verbose or _rank():
            return
        if survey.left_out:
            first = [f"{one.name!r}: {one.reason}" for one in survey.left_out[:_SHOWN]]
            rest = len(survey.left_out) - len(first)
            more = [f"and {rest} more"] if rest else []
            print(f"Activations: left out is {'; '.join([*first, *more])}")
        if survey.loops and not self.explicit:
            often = [f"{path!r} ({count} times)" for path, count in survey.loops.items()]
            more = [f"{len(often) - _SHOWN} more"] if len(often) > _SHOWN else []
            print(
                f"Activations: {', '.join([*often[:_SHOWN], *more])} run in a loop, of whose "
                f"calls the first {MOST_CALLS} are recorded; the others by name, 'cell:5'"
            )


def _rank() -> int:
    """Of this process among those that train together."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return int(torch.distributed.get_rank())
    return int(os.environ.get("RANK") or 0)


def _as_is(leaf: Any) -> Any:
    return leaf
