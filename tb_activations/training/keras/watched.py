"""A Keras model and its data, as a logger in a loop of one's own sees them."""

from __future__ import annotations

from typing import Any

from tb_activations.training.dry_run import LeftOut
from tb_activations.training.keras.changes import traits
from tb_activations.training.keras.forward import check_model
from tb_activations.training.keras.prepare import prepare
from tb_activations.training.keras.subject import Subject
from tb_activations.training.recorder import Recorder
from tb_activations.training.selection import Selection
from tb_activations.training.traits import same_traits
from tb_activations.training.watched import Wishes


class WatchedModel:
    """See `training.watched.Watched`.

    Raises:
      TypeError, ValueError, DataError: no Keras model, or wishes or data that cannot be.
    """

    runs = True

    def __init__(self, model: Any, data: Any, wishes: Wishes) -> None:
        check_model(model)
        self._model = model
        self._selection = Selection(wishes.layers)
        self._subject = Subject(model, data, wishes.class_names, wishes.examples)
        self._verbose = wishes.verbose
        self._traits: list[Any] = []

    @property
    def count(self) -> int:
        return len(self._subject.batch)

    def left_out(self, kept: set[str]) -> list[LeftOut]:
        """Told by the callback's rehearsal alone."""
        return []

    def prepare(self, recorder: Recorder) -> None:
        now = traits(self._model)
        if self._traits and same_traits(self._traits, now):
            return
        model = self._subject.model(self._model)
        prepare(recorder, self._subject, model, model, self._selection, self._verbose)
        self._traits = traits(self._model)
