"""One question to one model: rows of examples and targets, asked in passes of bounded size.

A row is one target of one example: n examples with k targets each are n · k rows, in that order.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.training.attribution.framework import (
    Explained,
    Pass,
    Point,
    Relevance,
    Rules,
    Survey,
)
from tb_activations.training.attribution.refusals import no_gradient, run
from tb_activations.training.attribution.seats import Seats
from tb_activations.training.attribution.targets import Target

# What the activations of one pass may take, in bytes, before as much again for the gradients.
MAX_PASS_BYTES = 3 * 2**28
# Relevance keeps what a layer was given and what it returned, and needs room for its turn.
_OF_RELEVANCE = 2


@dataclass(frozen=True)
class Maps:
    """What a method makes of a question, a row each: arrays, one for each point.

    scores, classes, probability: `[rows]`. baseline_scores, gap: `[rows]` or None.
    errors: standard errors of the values, or None.
    """

    points: tuple[Point, ...]
    values: tuple[np.ndarray, ...]
    scores: np.ndarray
    classes: np.ndarray | None
    probability: np.ndarray | None
    baseline_scores: np.ndarray | None = None
    gap: np.ndarray | None = None
    errors: tuple[np.ndarray, ...] | None = None


class Question:
    """Rows to explain at points of a model."""

    def __init__(
        self,
        explained: Explained,
        target: Target,
        points: Sequence[Point],
        *,
        baseline: Any = None,
        seed: int = 0,
        batch_size: int = 32,
        remarks: list[str] | None = None,
    ) -> None:
        self.explained = explained
        self.points = tuple(points)
        self.baseline = baseline
        self.seed = seed
        self.examples = len(explained.inputs[0])
        self.remarks: list[str] = [] if remarks is None else remarks  # said, each once
        self._reached: set[str] = set()
        self._size = rows_of_a_pass(explained.survey, batch_size)
        self.classes = self._classes(target)

    @property
    def independent(self) -> bool | None:
        """Whether the examples of a batch do not change each other's scores; None: not known."""
        return getattr(self.explained, "independent", None)

    @independent.setter
    def independent(self, whether: bool) -> None:
        self.explained.independent = whether

    @property
    def rows(self) -> np.ndarray:
        """Every row, by its number."""
        return np.arange(len(self.classes))

    @property
    def targets(self) -> int:
        """How many each example has."""
        return len(self.classes) // self.examples

    def has_room(self, count: int) -> bool:
        """Whether a pass may be of so many rows, or one more than usual."""
        size = self.explained.survey.batch
        return size is None or count <= size

    def _classes(self, target: Target) -> np.ndarray:
        """Of each row; −1 for the class predicted."""
        if target.top is not None:
            return self._top(target.top).reshape(-1)
        if target.classes is not None:
            return target.classes.reshape(-1)
        return np.full(self.examples, -1, np.int64)

    def _top(self, count: int) -> np.ndarray:
        """`[n, count]`, the highest first."""
        self.classes = np.full(self.examples, -1, np.int64)
        tables = [self.run(rows, table=True).table for rows in self.chunks(self.rows)]
        table = np.concatenate([one for one in tables if one is not None])
        return np.argsort(-table, axis=1, kind="stable")[:, :count].astype(np.int64)

    def chunks(self, rows: np.ndarray, rules: Rules | None = None) -> Iterator[np.ndarray]:
        """The rows in as few evenly long pieces as a pass can take, which holds more by rules."""
        kept = _OF_RELEVANCE if isinstance(rules, Relevance) else 1
        size = rows_of_a_pass(self.explained.survey, self._size, kept)
        pieces = max(1, -(-len(rows) // size))
        yield from np.array_split(rows, pieces)

    def repeats(self, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Every row `count` times, in pieces of at most a pass: rows, and which time of each."""
        rows = len(self.rows)
        for pairs in self.chunks(np.arange(rows * count)):
            if self.explained.survey.batch:  # so that every place in the batch is used
                yield pairs % rows, pairs // rows
            else:
                yield pairs // count, pairs % count

    def once(
        self, points: Sequence[Point] | None = None, rules: Rules | None = None
    ) -> tuple[Maps, tuple[np.ndarray, ...]]:
        """One pass of every row: gradients as the maps' values, and the model's own values."""
        points = self.points if points is None else tuple(points)
        passes = [
            self.run(rows, at=points, gradients=True, rules=rules)
            for rows in self.chunks(self.rows, rules)
        ]
        maps = Maps(
            points=points,
            values=tuple(
                np.concatenate([self._gradient(one, i) for one in passes])
                for i in range(len(points))
            ),
            **scored(passes),
        )
        values = tuple(
            np.concatenate([one.values[i] for one in passes]) for i in range(len(points))
        )
        return maps, values

    @staticmethod
    def _gradient(one: Pass, i: int) -> np.ndarray:
        gradient = one.gradients[i]
        return np.zeros_like(one.values[i]) if gradient is None else gradient

    def run(
        self,
        rows: np.ndarray,
        at: Sequence[Point] = (),
        put: Mapping[Point, np.ndarray] | None = None,
        *,
        gradients: bool = False,
        table: bool = False,
        unchanged: bool | None = None,
        rules: Rules | None = None,
    ) -> Pass:
        """One pass of at most as many rows as a pass takes.

        Args:
          rows: their numbers. put: for each row, what to go on with at points.
          unchanged: whether the first row is the example itself; None for whether `put` is None.
        """
        how: dict[str, Any] = {"gradients": gradients, "table": table}
        if rules is not None:
            how["rules"] = rules
        seats = Seats(self.targets, self.explained.survey.batch)
        parts = seats.turns(rows, alone=self.independent is False)
        if len(parts) > 1:
            answers = [self.run(rows[one], at, _cut(put, one), **how) for one in parts]
            return reordered(joined(answers), np.argsort(np.concatenate(parts), kind="stable"))
        fill = seats.filled(rows)
        asked = self.explained.rows(rows[fill] // self.targets)
        known = [p for p in self.points if p.leaf is None or self.reached(p)]
        answer = run(
            self.explained, known, asked, self.classes[rows[fill]], at, _cut(put, fill), **how
        )
        answer = reordered(answer, seats.found(rows))
        self._note_reached(at, answer)
        for remark in answer.remarks:
            self.remark(remark)
        if (put is None if unchanged is None else unchanged) and self._mixes(rows, answer):
            return self.run(rows, at, put, **how)
        return answer

    def _mixes(self, rows: np.ndarray, answer: Pass) -> bool:
        """Whether the first example's score depends on the others in the batch; then says so."""
        survey = self.explained.survey
        if self.independent is not None or rows[0] != 0 or len(rows) < 2 or survey.alone is None:
            return False
        index = 0 if answer.classes is None else int(answer.classes[0])
        alone, together = float(survey.alone[index]), float(answer.scores[0])
        bound = survey.tolerance * max(1e-3, float(np.abs(survey.alone).max()))
        if not np.isfinite(alone):
            return False
        self.independent = abs(alone - together) <= bound
        if self.independent:
            return False
        self.remark(
            f"the score of the first example is {together:.4g} in a batch and {alone:.4g} alone: "
            "the model mixes the examples of a batch, or draws random numbers; each was explained "
            "alone"
        )
        return True

    def _note_reached(self, at: Sequence[Point], answer: Pass) -> None:
        for point, gradient in zip(at, answer.gradients, strict=False):
            if gradient is not None and point.name not in self._reached and gradient.any():
                self._reached.add(point.name)

    def reached(self, point: Point) -> bool:
        """Whether a gradient there was not zero, in the passes so far."""
        return point.name in self._reached

    def check_reached(self, points: Sequence[Point]) -> None:
        """Says which points the target does not depend on.

        Raises:
          ValueError: all of them are integers, through which no gradient passes.
        """
        missed = [point for point in points if point.name not in self._reached]
        if len(missed) == len(points) and not any(point.floating for point in points):
            raise ValueError(no_gradient(self.explained, missed))
        for point in missed:
            self.remark(
                f"the gradient of the target is zero everywhere at {point.name}: the target does "
                "not depend on it, or every way to it is shut (a ReLU at zero, a saturated unit, "
                "a rounded value)"
            )

    def remark(self, sentence: str) -> None:
        """Says something that must be read beside the maps, once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)
            warnings.warn(sentence, stacklevel=2)


def rows_of_a_pass(survey: Survey, most: int, kept: int = 1) -> int:
    """As many as the model insists on; else at most so many, each `kept` times its activations."""
    return survey.batch or max(1, min(most, MAX_PASS_BYTES // max(1, kept * survey.row_bytes)))


def scored(passes: Sequence[Pass]) -> dict[str, Any]:
    """The scores, classes and probabilities of passes, as `Maps` takes them."""

    def all_of(arrays: list[np.ndarray | None]) -> np.ndarray | None:
        found = [array for array in arrays if array is not None]
        return np.concatenate(found) if found else None

    classes = all_of([one.classes for one in passes])
    return {
        "scores": np.concatenate([one.scores for one in passes]),
        "classes": None if classes is None else classes.astype(np.int64),
        "probability": all_of([one.probability for one in passes]),
    }


def joined(passes: Sequence[Pass]) -> Pass:
    """Passes of some rows each as one of all."""

    def columns(rows: list[tuple]) -> tuple:
        return tuple(
            None if any(one is None for one in column) else np.concatenate(column)
            for column in zip(*rows, strict=True)
        )

    tables = [one.table for one in passes if one.table is not None]
    return Pass(
        **scored(passes),
        values=columns([one.values for one in passes]),
        gradients=columns([one.gradients for one in passes]),
        table=np.concatenate(tables) if tables else None,
    )


def reordered(answer: Pass, order: np.ndarray) -> Pass:
    """The answers of some rows, in this order."""

    def taken(array: np.ndarray | None) -> Any:
        return None if array is None else array[order]

    return Pass(
        scores=answer.scores[order],
        classes=taken(answer.classes),
        probability=taken(answer.probability),
        values=tuple(taken(one) for one in answer.values),
        gradients=tuple(taken(one) for one in answer.gradients),
        table=taken(answer.table),
        remarks=answer.remarks,
    )


def _cut(put: Mapping[Point, np.ndarray] | None, rows: Any) -> Mapping[Point, np.ndarray] | None:
    return None if put is None else {point: array[rows] for point, array in put.items()}
