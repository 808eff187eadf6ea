"""Where an attribution is taken: at the inputs, at the layer that was asked for, or as it finds."""

from __future__ import annotations

from typing import Any

from tb_activations.training.attribution.framework import Explained, Point
from tb_activations.training.attribution.refusals import no_gradient


def points_of(
    explained: Explained, layer: Any, method_chooses: bool
) -> tuple[tuple[Point, ...], tuple[str, ...]]:
    """Where the attribution is taken, and what must be said about it."""
    survey = explained.survey
    if layer is not None:
        return (explained.chosen(layer),), ()
    if method_chooses:
        return (), ()
    real = [point for point in survey.inputs if point.floating]
    integers = [point for point in survey.inputs if not point.floating]
    if integers and survey.embedded:
        names = ", ".join(repr(point.name) for point in survey.embedded)
        what = ", ".join(point.name for point in integers)
        said = f"{what} holds integers, which have no gradient: explained at the output of {names}"
        return (*real, *survey.embedded), (said,)
    points = tuple(survey.inputs)
    if not points:
        raise ValueError(no_gradient(explained, points))
    return points, ()
