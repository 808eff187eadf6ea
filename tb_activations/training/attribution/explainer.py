"""Every method that is wanted, at every explanation: a model as it is → maps for the records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.record.attribution import Baseline, Explanation
from tb_activations.record.metadata import TagAttribution
from tb_activations.record.options import value_bytes
from tb_activations.record.scores import Scores
from tb_activations.training.attribution.framework import Explained, Point
from tb_activations.training.attribution.layout import Layout, layout_of, tags_of
from tb_activations.training.attribution.options import plain
from tb_activations.training.attribution.question import Maps
from tb_activations.training.attribution.repeated import Repeated, asked_of
from tb_activations.training.attribution.wanted import Wanted
from tb_activations.training.record_log import Tag

_RECORD_BYTES = 1500  # header, scores, statistics, metadata and frame

# (how many examples, output="logit", function=None) → the model and so many of its examples.
Explain = Callable[..., Explained]


@dataclass(frozen=True)
class Shown:
    """What is explained, as a framework's room hands it in.

    explain: see `Explain`. labels: as data brings them, `[n]` or more, or None. class_names: what
    the classes are called, or None.
    """

    explain: Explain
    labels: Any = None
    class_names: Sequence[str] | None = None


@dataclass(frozen=True)
class Explanations:
    """The maps of one tag at one step, `[n, …, k · parts]`, on their way to the record."""

    tag: Tag
    values: np.ndarray
    channel_ids: tuple[int, ...] | None
    scores: Scores
    explanation: Explanation


class Explainer:
    """Explains the first examples by each method that is wanted.

    Args:
      wanted: the methods. shown: the model and its data. count: of its examples. first: the order
        of the first tag, behind those of the inputs.

    Raises:
      TypeError, ValueError: what cannot be explained, with what can.
    """

    def __init__(self, wanted: Wanted, shown: Shown, count: int, first: int = 0) -> None:
        self.examples = min(wanted.examples, count)
        self._names = shown.class_names
        known: dict[tuple[str, Any], Explained] = {}
        self._methods = [self._repeated(one, shown, known) for one in wanted.methods]
        named = [
            (one.asked.method, one.asked.layer is not None, one.points) for one in self._methods
        ]
        self._layouts = [
            [_layout(one, tag, point) for tag, point in zip(tags, one.points, strict=True)]
            for one, tags in zip(self._methods, tags_of(named), strict=True)
        ]
        self._orders = {one.tag: first + i for i, one in enumerate(self.layouts)}

    @property
    def layouts(self) -> list[Layout]:
        """Of every tag."""
        return [one for layouts in self._layouts for one in layouts]

    @property
    def rows(self) -> int:
        """Forward and back in one explanation, at most."""
        return sum(
            one.method.passes(one.points) * one.targets * self.examples for one in self._methods
        )

    def bytes(self, precision: str) -> int:
        """What one explanation takes on disk, about, at most."""
        values = sum(
            layout.values(self.examples, one.targets)
            for one, layouts in zip(self._methods, self._layouts, strict=True)
            for layout in layouts
        )
        return values * value_bytes(precision) + _RECORD_BYTES * len(self.layouts)

    def keep_targets(self, before: Explainer) -> None:
        """Explains what another explained of the same examples, where that is still there."""
        for one, other in zip(self._methods, before._methods, strict=True):
            one.keep_target(other)

    def limit(self, max_channels: int | None, budget: int | None, precision: str) -> None:
        """Keeps fewer channels of layers, evenly spread, until an explanation fits."""
        most = max(one.parts for one in self.layouts)
        if max_channels is not None:
            most = min(most, max_channels)
            self._keep(most)
        while budget is not None and self.bytes(precision) > budget and most > 1:
            most = most * 3 // 4
            self._keep(most)

    def described(self) -> str:
        """`4 examples by grad_cam and integrated_gradients, 132 rows forward and back`."""
        names = list(dict.fromkeys(one.asked.method for one in self._methods))
        listed = ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
        noun = "example" if self.examples == 1 else "examples"
        rows = "row" if self.rows == 1 else "rows"
        return f"{self.examples} {noun} by {listed}, {self.rows:,} {rows} forward and back"

    def explain(self) -> Iterator[Explanations]:
        """The maps of the model as it is now, a tag at a time. Raises what the model raises."""
        for one, layouts in zip(self._methods, self._layouts, strict=True):
            maps = one.explain()
            for i, (point, values) in enumerate(zip(maps.points, maps.values, strict=True)):
                if point != layouts[i].point:  # Grad-CAM's own choice
                    layouts[i] = _layout(one, layouts[i].tag, point)
                yield self._explained(one, layouts[i], maps, values)

    def _repeated(self, method: Any, shown: Shown, known: dict) -> Repeated:
        asked = asked_of(method, shown.labels, self.examples)
        key = (method.output, asked.target.function)
        if key not in known:
            known[key] = shown.explain(
                self.examples, output=method.output, function=asked.target.function
            )
        return Repeated(asked, known[key])

    def _keep(self, most: int) -> None:
        self._layouts = [
            [one if one.summed else one.with_parts(most) for one in layouts]
            for layouts in self._layouts
        ]

    def _explained(
        self, one: Repeated, layout: Layout, maps: Maps, values: np.ndarray
    ) -> Explanations:
        explanation = self._explanation(one, layout)
        about = TagAttribution(explanation.method, explanation.of, explanation.layer)

        def table(rows: np.ndarray | None) -> Any:
            return None if rows is None else np.reshape(rows, (self.examples, -1))

        scores = Scores(
            scores=table(maps.scores),
            probabilities=table(maps.probability),
            baseline_scores=table(maps.baseline_scores),
            gaps=table(maps.gap),
            targets=table(maps.classes) if one.classes is None else None,
            errors=table(_errors(maps)),
        )
        return Explanations(
            Tag(layout.tag, "attribution", self._orders[layout.tag], about),
            layout.arranged(values, self.examples),
            layout.channel_ids(one.targets),
            scores,
            explanation,
        )

    def _explanation(self, one: Repeated, layout: Layout) -> Explanation:
        point, survey, classes = layout.point, one.explained.survey, one.classes
        under = _input_under(layout, survey.inputs)
        return Explanation(
            method=one.asked.method,
            of=point.name,
            parameters=tuple((name, plain(v)) for name, v in one.asked.options.items()),
            layer=None if point.leaf is not None else point.name,
            input=under.name if under else None,
            output=one.asked.output if survey.ending else "value",
            targets=None if classes is None else tuple(map(tuple, classes.tolist())),
            target_names=self._target_names(classes),
            parts=layout.parts,
            reduce="sum" if layout.summed else None,
            baseline=_baseline(one),
            grid=_sides(under) if under else None,
        )

    def _target_names(self, classes: np.ndarray | None) -> tuple[tuple[str, ...], ...] | None:
        names = self._names
        if classes is None or names is None or classes.max() >= len(names):
            return None
        return tuple(tuple(str(names[i]) for i in row) for row in classes.tolist())


def _errors(maps: Maps) -> np.ndarray | None:
    """`[rows]`: the standard errors ÷ the values, root mean squares over all points."""
    if maps.errors is None:
        return None

    def squares(arrays: Sequence[np.ndarray]) -> np.ndarray:
        rows = [np.square(one.reshape(len(one), -1).astype(np.float64)).sum(1) for one in arrays]
        return np.sum(rows, axis=0)

    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(squares(maps.errors) / squares(maps.values))


def _layout(one: Repeated, tag: str, point: Point) -> Layout:
    chosen = one.asked.layer is not None
    mapped = one.method.at_positions and len(point.shape) > 1
    return layout_of(tag, point, chosen=chosen, mapped=mapped)


def _sides(point: Point) -> tuple[int, ...]:
    axis = point.channel_axis - 1
    return tuple(side for i, side in enumerate(point.shape) if i != axis)


def _input_under(layout: Layout, inputs: Sequence[Point]) -> Point | None:
    """The input that the map lies over: itself, or the first with as many axes of positions."""
    if not layout.sides:
        return None
    if layout.point.leaf is not None:
        return layout.point
    alike = (one for one in inputs if len(_sides(one)) == len(layout.sides))
    return next(alike, None)


def _baseline(one: Repeated) -> Baseline | None:
    given = one.asked.baseline
    if given is None:
        return one.method.usual_baseline
    if np.ndim(given) == 0 and isinstance(given, int | float | np.number):
        return Baseline("number", float(given))
    return Baseline("given", None)
