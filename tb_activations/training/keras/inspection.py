"""A Keras model and its inputs → what an attribution must know of them, from one small pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tb_activations.training.attribution.framework import Point, Survey
from tb_activations.training.keras.differentiate import no_gradients
from tb_activations.training.keras.endings import noting
from tb_activations.training.keras.forward import build, forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.points import (
    LayerValues,
    attention_places,
    input_points,
    is_map,
    output_point,
    why_no_point,
)
from tb_activations.training.keras.private import flattened
from tb_activations.training.keras.scores import (
    Recognised,
    Scorer,
    logits_of,
    looks_like_probabilities,
    real,
    recognised,
)
from tb_activations.training.keras.tensors import is_array, parts
from tb_activations.training.keras.watch import Watch
from tb_activations.training.selection import Entry

NOT_FOUND = (
    "the output looks like probabilities, but the softmax that makes it was not found (use "
    "`keras.ops.softmax` or a layer for it): the score is the probability itself, whose gradient "
    "vanishes where the model is sure"
)


@dataclass(frozen=True)
class Inspection:
    """What one small pass showed.

    entries: of all layers but the model itself. points: name → point, or the reason why nothing can
    be attributed there. watch: of the pass, its values dropped; None where it is remembered.
    """

    survey: Survey
    scorer: Scorer
    entries: tuple[Entry, ...]
    points: Mapping[str, Point | str]
    watch: Watch | None


def inspected(
    model: Any,
    inputs: Any,
    few: Any,
    batch: int | None,
    output: str,
    function: Callable[..., Any] | None,
) -> Inspection:
    """One pass with training off over `few`, copies of the first example as tensors."""
    build(model, few)
    with preserved(model), no_gradients(), noting() as notes:
        with watching(_whole, change=notes.layer_returned) as watch:
            outputs = forward(model, few)
        known = recognised(outputs, notes)
        values, watch.values = watch.values, {}
        entries = tuple(entry for entry in watch.entries if entry.layer is not model)
        rows = _rows_of(few)
        points = _points(entries, values, rows)
        scorer = Scorer(output, function, known)
        layers = LayerValues(entries, {(e.place, e.part): values[e.name] for e in entries})
        found = {part: value for part, value in parts(outputs) if is_array(value)}
        classes = _classes(found, known, rows)
        alone = None
        if function is not None:
            alone = _first_row(scorer(outputs, notes, None, layers)["score"][:, None])
        elif classes is not None:
            alone = _first_row(scorer.tables(outputs, notes)[0])
        ends = [logits_of(value, notes, known.get(part)) for part, value in found.items()]
    good = {name: point for name, point in points.items() if isinstance(point, Point)}
    kinds = {one.kind for one in known.values()}
    survey = Survey(
        inputs=tuple(input_points(inputs, entries, values)),
        outputs=tuple(good.values()),
        maps=_maps(entries, good, values, [*found.values(), *ends]),
        embedded=_embedded(entries, good),
        classes=classes,
        output_shapes={part: tuple(value.shape[1:]) for part, value in found.items()},
        ending=kinds.pop() if len(kinds) == 1 else None,
        alone=alone,
        remarks=(NOT_FOUND,) if _lacks_softmax(found, known) else (),
        row_bytes=_bytes(values.values()) // rows,
        tolerance=_tolerance(model),
        batch=batch,
    )
    return Inspection(survey, scorer, entries, points, watch)


def _whole(entry: Entry) -> bool:
    """Whether it is what a layer returns, and not a view beside that."""
    return not entry.aside


def _tolerance(model: Any) -> float:
    """By how much of the largest a score may differ between passes of other sizes."""
    dtypes = {getattr(layer, "compute_dtype", None) for layer in flattened(model)}
    return 3e-2 if dtypes & {"float16", "bfloat16"} else 1e-3


def _rows_of(few: Any) -> int:
    return int(next(value for _, value in parts(few)).shape[0])


def _points(
    entries: Sequence[Entry], values: Mapping[str, Any], rows: int
) -> dict[str, Point | str]:
    return {
        entry.name: why_no_point(values[entry.name], rows)
        or output_point(entry, values[entry.name])
        if entry.name in values
        else "it runs inside a loop"
        for entry in entries
    }


def _maps(
    entries: Sequence[Entry],
    points: Mapping[str, Point],
    values: Mapping[str, Any],
    ends: Sequence[Any],
) -> tuple[Point, ...]:
    heads = attention_places(entries)
    return tuple(
        points[entry.name]
        for entry in entries
        if entry.name in points
        and is_map(entry, points[entry.name], heads)
        and not any(values[entry.name] is end for end in ends)
    )


def _embedded(entries: Sequence[Entry], points: Mapping[str, Point]) -> tuple[Point, ...]:
    kind = keras.layers.Embedding
    return tuple(points[e.name] for e in entries if e.name in points and isinstance(e.layer, kind))


def _classes(found: Mapping[str, Any], known: Mapping[str, Recognised], rows: int) -> int | None:
    """How many classes the only output tells apart, None where it is no row of numbers."""
    if len(found) != 1:
        return None
    ((part, value),) = found.items()
    sides = [int(side) for side in value.shape[1:]]
    floats = "float" in keras.backend.standardize_dtype(value.dtype)
    if value.shape[0] != rows or not floats or sum(side != 1 for side in sides) > 1:
        return None
    count = int(np.prod(sides, dtype=np.int64))
    binary = part in known and known[part].kind == "sigmoid" and count == 1
    return 2 if binary else count


def _first_row(table: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(table))[0]


def _lacks_softmax(found: Mapping[str, Any], known: Mapping[str, Recognised]) -> bool:
    for part, value in found.items():
        if part in known or "float" not in keras.backend.standardize_dtype(value.dtype):
            continue
        if looks_like_probabilities(np.asarray(keras.ops.convert_to_numpy(real(value)))):
            return True
    return False


def _bytes(values: Any) -> int:
    """What the tensors take, each counted once."""
    distinct = {id(value): value for value in values if not isinstance(value, str)}.values()
    return sum(
        int(np.prod([side or 1 for side in value.shape], dtype=np.int64)) * _item_size(value)
        for value in distinct
    )


def _item_size(value: Any) -> int:
    name = keras.backend.standardize_dtype(value.dtype)
    return 8 if "64" in name else 2 if "16" in name else 1 if "8" in name else 4
