"""`attribute`: a model and inputs → what its answer rests on, as true signed values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tb_activations.training import frameworks
from tb_activations.training.attribution.attribution import Attribution
from tb_activations.training.attribution.framework import Explained, Point
from tb_activations.training.attribution.methods import AttributionMethod
from tb_activations.training.attribution.options import check_count
from tb_activations.training.attribution.question import Maps, Question
from tb_activations.training.attribution.targets import Target, parsed
from tb_activations.training.attribution.where import points_of
from tb_activations.training.batch import (
    Batch,
    as_inputs,
    first_batch,
    is_stream,
    leaves,
    mapped,
    uneven,
    with_examples,
)
from tb_activations.training.shapes import DataError, described


def attribute(
    model: Any,
    x: Any,
    target: Any = None,
    *,
    method: str | AttributionMethod = "integrated_gradients",
    layer: Any = None,
    baseline: Any = None,
    output: str = "logit",
    seed: int = 0,
    batch_size: int = 32,
    **options: Any,
) -> Attribution:
    """What the target's score rests on, at each value of the input or of a layer.

    Args:
      model: a Keras model or layer of any kind, on TensorFlow, JAX or PyTorch, or an `nn.Module`.
      x: the inputs as the model takes them, or a dataset, generator or Keras sequence, whose
        first batch is taken; `(x, y)` where the target is "label".
      target: what is explained: None or "predicted", the class that is predicted; a class; classes
        `[n]` or `[n, k]`; "label"; "top3"; or a function of the outputs that returns `[n]`, such as
        `lambda outputs: outputs["price"][:, 0]`. One of two arguments is given the layers, too:
        `lambda outputs, layers: layers["conv2"][:, 3, 3, 7]`. It is given logits where `output` is
        "logit". A single sigmoid has the classes 0 and 1.
      method: a name ("gradients", "gradient_x_input", "integrated_gradients", "smooth_grad",
        "guided_smooth_grad", "occlusion", "lrp", "grad_cam", "grad_cam_plus_plus"), or an
        `AttributionMethod`.
      layer: a selector as in `capture`, of one output: the attribution is taken there. None for
        the inputs, or for Grad-CAM's own choice. Integers and strings have no gradient: where the
        model embeds them, the embedding is explained, and a warning says so.
      baseline: what integrated gradients start from, and what occlusion hides patches by: a
        number, an example, one for each example, or nested as the inputs are. None for zero, and in
        occlusion for the mean of each of the example's channels.
      output: "logit", before the last softmax or sigmoid, or "probability". Where the model has
        neither, its outputs are explained as they are.
      seed: of methods that draw noise.
      batch_size: how many rows one pass takes at most; fewer where their activations would take
        over 800 MB.
      options: of the method, such as `steps=64`.

    Returns:
      An `Attribution`: `.values` `[n, …, c]`, and `np.asarray` of it, with `.target`, `.score`,
      `.probability`, `.baseline_score` and `.gap`.

    Raises:
      TypeError, ValueError: what cannot be explained, with what can.
    """
    asked = asked_as(method, target, layer, baseline, output, options)
    check_count("batch_size", batch_size)
    batch = examples_of(x, asked.target)
    wanted = parsed(asked.target, len(batch), batch.labels)
    explained = explained_of(model, x, batch, asked.output, wanted)
    return explain(explained, batch.inputs, asked, wanted, seed=seed, batch_size=batch_size)


def examples_of(x: Any, *targets: Any) -> Batch:
    """The examples, with labels where one of the targets is "label". Raises DataError."""
    with_labels = _are_labels(targets) or is_stream(x)
    batch = first_batch(x, "x") if with_labels else with_examples(Batch(as_inputs(x, "x")), "x")
    if uneven(batch.inputs):
        raise DataError(f"the inputs of x have unequal numbers of rows: {described(batch.inputs)}")
    return batch


def explained_of(model: Any, x: Any, batch: Batch, output: str, wanted: Target) -> Explained:
    """The model with the examples of x, once it is known to have that target."""
    try:
        explained: Explained = frameworks.explained(
            model, batch.inputs, output=output, function=wanted.function
        )
    except DataError as e:
        if batch.labels is not None or not isinstance(x, tuple):
            raise
        raise DataError(f'{e}; (x, y) is taken for inputs unless target is "label"') from e
    wanted.check(explained.survey)
    return explained


def _are_labels(targets: Iterable[Any]) -> bool:
    return any(isinstance(target, str) and target == "label" for target in targets)


def asked_as(
    method: Any, target: Any, layer: Any, baseline: Any, output: str, options: dict[str, Any]
) -> AttributionMethod:
    """The method with what the call itself says."""
    if not isinstance(method, AttributionMethod):
        return AttributionMethod(
            method, target=target, layer=layer, baseline=baseline, output=output, **options
        )
    return AttributionMethod(
        method.method,
        target=method.target if target is None else target,
        layer=method.layer if layer is None else layer,
        baseline=method.baseline if baseline is None else baseline,
        output=method.output if output == "logit" else output,
        **{**method.options, **options},
    )


def explain(
    explained: Explained,
    inputs: Any,
    asked: AttributionMethod,
    target: Target,
    *,
    seed: int = 0,
    batch_size: int = 32,
) -> Attribution:
    """One method's answer; `target` is parsed and checked."""
    method = asked.make()
    points, remarks = points_of(explained, asked.layer, method.chooses_points)
    question = Question(
        explained, target, points, baseline=asked.baseline, seed=seed, batch_size=batch_size
    )
    for remark in (*explained.survey.remarks, *remarks, *_doubts(explained, asked)):
        question.remark(remark)
    maps = method.explain(question)
    return _answer(question, asked, target, maps, inputs)


def _doubts(explained: Explained, asked: AttributionMethod) -> Iterator[str]:
    """What is wrong with what was given, though something can be computed."""
    for point in explained.survey.inputs:
        leaf = explained.inputs[point.leaf or 0]
        bad = ~np.isfinite(leaf).reshape(len(leaf), -1).all(axis=1) if point.floating else None
        if bad is not None and bad.any():
            which = ", ".join(map(str, np.flatnonzero(bad)[:5]))
            yield (
                f"{point.name} holds values that are not finite, in {int(bad.sum())} of {len(bad)} "
                f"examples (the first: {which}): their scores and maps may be none either"
            )
    if asked.output == "probability" and not explained.survey.ending:
        yield (
            "output is 'probability', and no softmax or sigmoid was found that makes one: the "
            "model's outputs are explained as they are"
        )


def _answer(
    question: Question, asked: AttributionMethod, target: Target, maps: Maps, inputs: Any
) -> Attribution:
    shape = (question.examples, question.targets) if target.several else (question.examples,)

    def of_rows(array: np.ndarray | None) -> Any:
        return None if array is None else array.reshape(*shape, *array.shape[1:])

    survey = question.explained.survey
    layers = [point.name for point in maps.points if point.leaf is None]
    return Attribution(
        values=_nested(maps.points, [of_rows(array) for array in maps.values], inputs),
        target=of_rows(maps.classes),
        score=of_rows(maps.scores),
        probability=of_rows(maps.probability),
        baseline_score=of_rows(maps.baseline_scores),
        gap=of_rows(maps.gap),
        method=asked.method,
        parameters=dict(asked.options),
        of=tuple(point.name for point in maps.points),
        layer=layers[0] if layers and len(maps.points) == 1 else None,
        output=asked.output if survey.ending else "value",
        data_format=_format(asked, maps.points),
        standard_error=_nested(maps.points, [of_rows(array) for array in maps.errors], inputs)
        if maps.errors is not None
        else None,
        remarks=tuple(question.remarks),
    )


def _format(asked: AttributionMethod, points: tuple[Point, ...]) -> str:
    return "channels_last" if asked.make().at_positions else points[0].data_format


def _nested(points: tuple[Point, ...], values: list[Any], inputs: Any) -> Any:
    """One array by itself; several as the inputs are nested, or by name where layers are among."""
    if len(points) == 1:
        return values[0]
    by_leaf = {point.leaf: value for point, value in zip(points, values, strict=True)}
    if None in by_leaf or len(points) != len(leaves(inputs)):
        return {point.name: value for point, value in zip(points, values, strict=True)}
    turn = iter(range(len(points)))
    return mapped(lambda _: by_leaf[next(turn)], inputs)
