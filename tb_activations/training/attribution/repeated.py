"""One method on the same examples, again and again while a model trains.

What is explained stays the same over the steps, so that they can be compared: the label where data
has one, else the class that is predicted at first; and the layer that Grad-CAM chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.training.attribution.framework import Explained, Point
from tb_activations.training.attribution.methods import AttributionMethod
from tb_activations.training.attribution.question import Maps, Question
from tb_activations.training.attribution.targets import PREDICTED, Target, classes_of, parsed
from tb_activations.training.attribution.where import points_of


@dataclass(frozen=True)
class Asked:
    """What a method is to explain. kept: whether a class that is predicted stays the target."""

    method: AttributionMethod
    target: Target
    kept: bool = True
    label: bool = False  # the target is the label because nothing else was asked for


def asked_of(method: AttributionMethod, labels: Any, examples: int) -> Asked:
    """What it is to explain of so many examples.

    Args:
      labels: as data brings them, one for each example or more; or None.

    Raises:
      TypeError, ValueError: see `parsed`.
    """
    labels = _first(labels, examples)
    target = method.target
    if target is None:
        try:
            return Asked(method, Target(classes_of(labels, examples)), label=True)
        except (ValueError, TypeError):
            return Asked(method, Target())
    if isinstance(target, str) and target == PREDICTED:
        return Asked(method, Target(), kept=False)
    if not isinstance(target, str) and not callable(target):
        target = _first(target, examples)
    return Asked(method, parsed(target, examples, labels))


class Repeated:
    """One method, one model and the same examples.

    Args:
      asked: the method and its target.
      explained: the model and the examples.

    points: where the maps are taken; Grad-CAM's own choice is known after the first explanation.

    Raises:
      TypeError, ValueError: what cannot be explained, with what can.
    """

    def __init__(self, asked: Asked, explained: Explained) -> None:
        self.method = asked.method.make()
        self.asked = asked.method
        self.explained = explained
        self.target = _possible(asked, explained)
        self._kept = asked.kept
        self._remarks: list[str] = []
        points, remarks = points_of(explained, self.asked.layer, self.method.chooses_points)
        self._found = bool(points)
        self.points = points or explained.survey.maps[-1:]
        if not self.points:
            self.method.explain(self._question())  # says why there is none
        for remark in (*explained.survey.remarks, *remarks):
            self._question().remark(remark)

    @property
    def targets(self) -> int:
        """How many each example has."""
        if self.target.top is not None:
            return self.target.top
        classes = self.target.classes
        return classes.shape[1] if classes is not None and classes.ndim == 2 else 1

    @property
    def classes(self) -> np.ndarray | None:
        """int64 `[n, k]`, the classes that every explanation has; None where there are none."""
        classes = self.target.classes
        return None if classes is None else classes.reshape(len(classes), -1)

    def keep_target(self, before: Repeated) -> None:
        """Explains the classes that another one found first, where this model has them, too."""
        classes, count = before.target.classes, self.explained.survey.classes
        if not self._kept or self.target.classes is not None or classes is None or count is None:
            return
        if len(classes) == len(self.explained.inputs[0]) and classes.max() < count:
            self.target = before.target

    def explain(self) -> Maps:
        """The maps of the model as it is now, a row a target of an example."""
        if self.explained.independent is None:
            self.explained.refresh()
        maps = self.method.explain(self._question())
        self.points, self._found = maps.points, True
        if self._kept and self.target.classes is None and maps.classes is not None:
            self.target = Target(maps.classes.reshape(len(self.explained.inputs[0]), -1))
        return maps

    def _question(self) -> Question:
        points: Sequence[Point] = self.points if self._found else ()
        return Question(self.explained, self.target, points, baseline=self.asked.baseline,
                        remarks=self._remarks)  # fmt: skip


def _possible(asked: Asked, explained: Explained) -> Target:
    """The target; the class predicted where labels are none of the model's classes."""
    classes, count = asked.target.classes, explained.survey.classes
    fits = classes is None or (count and classes.min() >= 0 and classes.max() < count)
    return _checked(asked.target if fits or not asked.label else Target(), explained)


def _checked(target: Target, explained: Explained) -> Target:
    target.check(explained.survey)
    return target


def _first(values: Any, count: int) -> Any:
    """The first of one value for each example."""
    if values is None or np.ndim(values) == 0 or isinstance(values, dict):
        return values
    return values[:count]
