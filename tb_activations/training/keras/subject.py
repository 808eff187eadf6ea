"""What a callback watches: the model that `fit` trains, a part of it, or several side by side.

Several run as one model, `Several`, whose inputs are a dict by name, so that everything that knows
one model knows them; the paths of their layers begin with the name, `generator/conv1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

from tb_activations.training.batch import Batch, first_batch, span, uneven
from tb_activations.training.class_names import checked_names
from tb_activations.training.examples import names_of
from tb_activations.training.keras.examples import examples_of
from tb_activations.training.keras.fitting import taken
from tb_activations.training.keras.forward import check_model
from tb_activations.training.keras.kind import check_version
from tb_activations.training.keras.preprocess import preprocessed
from tb_activations.training.keras.several import Several
from tb_activations.training.keras.survey import loggable_inputs
from tb_activations.training.keras.tensors import cut, parts
from tb_activations.training.receptive import Input
from tb_activations.training.shapes import DataError, described


class Subject:
    """The models that are watched, and the batch that they are shown.

    Args:
      model: None for the model that `fit` trains; a Keras model or layer, or the name of an
        attribute of the model that is trained, such as "generator" or "ema.network"; or a dict of
        them by the names that their tags begin with.
      data: as `first_batch` takes it; of several models a dict by the same names, or what all of
        them are shown.
      class_names, examples: as `examples_of` takes them.

    batch: the inputs; of several, a dict of the first examples of each, as many as all have.
    labels: one an example, None where there are none, or of several. class_names: as they were
    given, or as data has them. names_given: whether they were given.

    Raises:
      TypeError, ValueError: a model or data of another kind; names in `data` that are not those in
        `model`.
    """

    def __init__(
        self, model: Any, data: Any, class_names: Sequence[str] | None, examples: str = "first"
    ) -> None:
        self._asked = _checked(model)
        class_names = checked_names(class_names)
        self.names_given = class_names is not None
        self.class_names = class_names if class_names is not None else names_of(data)
        self._several: Several | None = None
        self._named_labels: dict[str, list[str] | None] = {}
        if not isinstance(self._asked, dict):
            self.batch, self.labels = examples_of(data, class_names, examples)
            return
        both = {
            name: examples_of(one, class_names, examples)
            for name, one in _by_name(self._asked, data)
        }
        self._named_labels = {name: labels for name, (_, labels) in both.items()}
        self.batch, self.labels = (
            _together({name: batch for name, (batch, _) in both.items()}),
            None,
        )

    def model(self, trained: Any) -> Any:
        """The one model that shows what is watched, while `trained` is trained.

        The same one as before, where it is made of the same models.

        Raises:
          ValueError: an attribute that is not there, or one of several models without `call`.
          TypeError: one of several that is no model or layer.
        """
        if not isinstance(self._asked, dict):
            return _resolved(trained, self._asked)
        members = {name: _resolved(trained, one) for name, one in self._asked.items()}
        for member in members.values():
            check_model(member)
        if self._several is None or not self._several.holds(members):
            self._several = Several(members)
        return self._several

    def shown(self, model: Any) -> Batch:
        """The batch as each model's own preprocessor makes it."""
        if not isinstance(model, Several):
            return preprocessed(model, taken(model, self.batch))
        inputs = {
            name: preprocessed(member, Batch(self.batch.inputs[name])).inputs
            for name, member in model.models.items()
        }
        return replace(self.batch, inputs=inputs)

    def input_names(self, batch: Batch) -> list[str]:
        """What all inputs are called, in the order of their arrays."""
        if not isinstance(self._asked, dict):
            return [f"input{part}" for part, _ in parts(batch.inputs)]
        return [
            f"{name}/input{part}"
            for name, inputs in batch.inputs.items()
            for part, _ in parts(inputs)
        ]

    def inputs(self, batch: Batch) -> list[Input]:
        """The inputs that can be logged: `input`, `input.key`; of several, `generator/input`."""
        if not isinstance(self._asked, dict):
            return loggable_inputs(batch.inputs)
        count = len(batch)
        labels = {name: each and each[:count] for name, each in self._named_labels.items()}
        return [
            replace(one, name=f"{name}/{one.name}", labels=labels[name])
            for name, inputs in batch.inputs.items()
            for one in loggable_inputs(inputs)
        ]


def _checked(model: Any) -> Any:
    """None, a layer, the name of an attribute, or a dict of the latter two."""
    if isinstance(model, Mapping):
        if not model:
            raise ValueError("model is an empty dict; it must hold models or layers by name")
        for name, one in model.items():
            if not isinstance(name, str) or not name or "/" in name:
                raise ValueError(
                    f"model has the name {name!r}; a name must be a text without a slash"
                )
            _check_kind(one)
        return dict(model)
    if model is not None:
        _check_kind(model)
    return model


def _check_kind(one: Any) -> None:
    check_version(one)
    if not isinstance(one, str | keras.Layer):
        raise TypeError(
            f"model is a {type(one).__name__}; it must be a Keras model or layer, the name of an "
            "attribute of the model that is trained, or a dict of them by name"
        )


def _by_name(models: dict[str, Any], data: Any) -> list[tuple[str, Any]]:
    """Each model's own data; what is no dict is shown to all, its first batch taken once."""
    if not isinstance(data, Mapping):
        batch = first_batch(data)
        return [(name, (batch.inputs, batch.labels)) for name in models]
    if set(data) != set(models):
        raise ValueError(
            f"data has the names {sorted(map(str, data))}; model has {sorted(models)}: data must "
            "be a dict by the same names"
        )
    return [(name, data[name]) for name in models]


def _together(batches: dict[str, Batch]) -> Batch:
    """As many examples of each as all have; inputs of unequal length cannot be cut.

    Raises:
      DataError: others have fewer examples than such inputs.
    """
    count = min(len(batch) for batch in batches.values())
    inputs = {}
    for name, batch in batches.items():
        whole = uneven(batch.inputs)
        if whole and len(batch) != count:
            raise DataError(
                f"data of {name!r} has inputs of unequal length, {described(batch.inputs)}, which "
                f"cannot be cut to the {count} examples of others: give as many of each"
            )
        inputs[name] = batch.inputs if whole else span(batch.inputs, 0, count, cut)
    return Batch(inputs)


def _resolved(trained: Any, asked: Any) -> Any:
    """The model or layer that is meant, found where it stands at the start of `fit`."""
    if asked is None:
        return trained
    if not isinstance(asked, str):
        return asked
    found = trained
    for step in asked.split("."):
        found = getattr(found, step, None)
        if found is None:
            raise ValueError(f"the model that is trained has no attribute {asked!r} to watch")
    return found
