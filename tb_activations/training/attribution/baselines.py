"""What a method compares an example with, and where the two lie at the points of a question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tb_activations.training.attribution.framework import Point
from tb_activations.training.attribution.question import Question
from tb_activations.training.attribution.refusals import no_gradient


def start_and_end(
    question: Question,
) -> tuple[dict[Point, np.ndarray], dict[Point, np.ndarray]]:
    """`[rows, …]` at each point: of the baseline, and of the examples.

    Inputs: the baseline is zero unless given. An inner layer: what it returns for the baseline of
    the inputs. An embedding that stands for its integers: the zero vector, a vector, or the
    embedding of integers.
    """
    end = of_examples(question)
    layers = [p for p in question.points if p.leaf is None]
    start = _start_at_layers(question, layers) if layers else {}
    for point in question.points:
        if point.leaf is not None:
            start[point] = given(question, point)[question.rows // question.targets]
    return {p: start[p] for p in question.points}, end


def of_examples(question: Question) -> dict[Point, np.ndarray]:
    """`[rows, …]` at each point: of the examples themselves."""
    of_rows = question.rows // question.targets
    layers = [p for p in question.points if p.leaf is None]
    found = at_layers(question, layers, None) if layers else {}
    for point in question.points:
        if point.leaf is not None:
            found[point] = question.explained.inputs[point.leaf].astype(point.dtype)[of_rows]
    return {p: found[p] for p in question.points}


def numeric(question: Question) -> tuple[Point, ...]:
    """The points whose values are numbers: real ones, and integers that a gradient passes.

    Raises:
      ValueError: there are none.
    """
    if all(point.floating for point in question.points):
        return question.points
    question.once()
    found = tuple(p for p in question.points if p.floating or question.reached(p))
    if not found:
        raise ValueError(no_gradient(question.explained, question.points))
    return found


def hidden_and_end(
    question: Question,
) -> tuple[dict[Point, np.ndarray], dict[Point, np.ndarray]]:
    """`[rows, …]` at each point: what hides values, and the examples themselves.

    Unless a baseline is given, that of a channel is its mean over the example's positions; where
    there are no positions, it is 0.
    """
    if question.baseline is not None:
        return start_and_end(question)
    end = of_examples(question)
    return {p: _means(p, array) for p, array in end.items()}, end


def _means(point: Point, array: np.ndarray) -> np.ndarray:
    if len(point.shape) < 2:
        return np.zeros_like(array)
    axes = tuple(i for i in range(1, array.ndim) if i != point.channel_axis)
    means = array.mean(axis=axes, keepdims=True, dtype=np.float64).astype(array.dtype)
    return np.broadcast_to(means, array.shape)


def given(question: Question, point: Point) -> np.ndarray:
    """`[n, …]`: the baseline of one input.

    Raises:
      ValueError: it does not fit the input.
    """
    value = _of_input(question, point)
    shape = (question.examples, *point.shape)
    try:
        array = np.asarray(0 if value is None else value, dtype=point.dtype)
        return np.broadcast_to(array, shape)
    except (TypeError, ValueError) as e:
        raise ValueError(
            f"baseline {_shown(value)} does not fit {point.name}, whose examples are "
            f"{list(point.shape)}: a number, one example, or one for each of {shape[0]}"
        ) from e


def _of_input(question: Question, point: Point) -> Any:
    """What was given for this input: nested as the inputs are, or one for all."""
    value = question.baseline
    for step in point.name.split(".")[1:]:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
    return value


def _start_at_layers(question: Question, layers: list[Point]) -> dict[Point, np.ndarray]:
    survey = question.explained.survey
    baseline = question.baseline
    integers = not any(point.floating for point in survey.inputs)
    if not integers:
        return at_layers(question, layers, {p: given(question, p) for p in survey.inputs})
    if baseline is not None and np.asarray(baseline).dtype.kind in "iu":
        return at_layers(question, layers, {p: given(question, p) for p in survey.inputs})
    rows = question.rows // question.targets
    found = {}
    for point in layers:
        whole = np.asarray(0 if baseline is None else baseline, point.dtype)
        try:
            found[point] = np.broadcast_to(whole, (question.examples, *point.shape))[rows]
        except ValueError as e:
            raise ValueError(
                f"baseline {_shown(baseline)} does not fit the output of {point.name}, "
                f"{list(point.shape)}: a number, a vector, or integers as the inputs are"
            ) from e
    return found


def at_layers(
    question: Question, layers: list[Point], inputs: Mapping[Point, np.ndarray] | None
) -> dict[Point, np.ndarray]:
    """`[rows, …]`: what the layers return for the examples, or for other inputs `[n, …]`."""
    passes = []
    for rows in question.chunks(question.rows):
        put = None
        if inputs is not None:
            put = {p: value[rows // question.targets] for p, value in inputs.items()}
        passes.append(question.run(rows, at=layers, put=put))
    return {p: np.concatenate([one.values[i] for one in passes]) for i, p in enumerate(layers)}


def _shown(value: Any) -> str:
    shape = np.shape(value)
    return f"of shape {list(shape)}" if shape else repr(value)
