"""Scores and gradients of an `nn.Module`: what the attributions ask of it.

A point's values are taken where a module or function returns them, and the model goes on with a
copy: what is done in place to it afterwards changes neither the values nor their gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from tb_activations.training.attribution.framework import (
    Guided,
    LayerWeights,
    Pass,
    Point,
    Relevance,
    Rules,
)
from tb_activations.training.batch import leaves, mapped
from tb_activations.training.selection import Entry
from tb_activations.training.shapes import DataError, described
from tb_activations.training.torch.data import to_numpy_any
from tb_activations.training.torch.forward import Placed, check_model, forward
from tb_activations.training.torch.functions import asked_functions
from tb_activations.training.torch.inspection import LayerValues, inspected
from tb_activations.training.torch.patches import watching
from tb_activations.training.torch.rules import following
from tb_activations.training.torch.scoring import real
from tb_activations.training.torch.state import device_of, preserved
from tb_activations.training.torch.watch import Watch
from tb_activations.training.torch.way_back import WayBack
from tb_activations.training.torch.weights import layer_weights

_COPIES = 2  # of the first example: what has one row could belong to no example
# A half-precision gradient underflows below 6e-8; one that overflows is taken again.
_SCALES = (2.0**12, 2.0**6, 1.0)


class TorchExplained:
    """A module and what is asked of it; see `attribution.framework.Explained`.

    Raises:
      TypeError: `model` is no module. ValueError: it cannot run, or the target's function returns
      no scores.
    """

    known_rules = (Guided, Relevance)

    def __init__(
        self,
        model: Any,
        inputs: Any,
        *,
        output: str = "logit",
        function: Callable[..., Any] | None = None,
    ) -> None:
        check_model(model)
        self._model = model
        self._nested = mapped(to_numpy_any, inputs)
        self.inputs = leaves(self._nested)
        if any(one.dtype.kind not in "fiub" for one in self.inputs):
            raise DataError(f"x is {described(self._nested)}; a torch.nn.Module takes numbers")
        few = Placed(model).all(mapped(torch.as_tensor, self.rows(np.zeros(_COPIES, np.int64))))
        self._known = inspected(model, self._nested, few, output, function)
        self.survey = self._known.survey
        self.independent: bool | None = None
        self._half = any(one.dtype == torch.float16 for one in model.parameters())

    def rows(self, indices: np.ndarray) -> Any:
        return mapped(lambda leaf: leaf[indices], self._nested)

    def refresh(self) -> None:
        if self.survey.alone is None:
            return
        copies, predicted = np.zeros(_COPIES, np.int64), np.full(_COPIES, -1)
        answer = self.run(self.rows(copies), predicted, table=True)
        alone = answer.scores[:1] if answer.table is None else answer.table[0]
        self.survey = replace(self.survey, alone=alone)

    def weights(self) -> list[LayerWeights]:
        return layer_weights(self._model, self._known.entries)

    def chosen(self, layer: Any) -> Point:
        return self._known.chosen(layer)

    def run(
        self,
        inputs: Any,
        classes: np.ndarray,
        at: Sequence[Point] = (),
        put: Mapping[Point, np.ndarray] | None = None,
        *,
        gradients: bool = False,
        table: bool = False,
        rules: Rules | None = None,
    ) -> Pass:
        put = put or {}
        for scale in _SCALES if self._half and gradients else (1.0,):
            back = WayBack(rules)
            answer, made = self._passed(inputs, classes, at, put, gradients, scale, back)
            if all(one is None or np.isfinite(one).all() for one in made):
                break
        chosen, probabilities = answer["classes"], answer["made"]
        probability = None if probabilities is None else probabilities.gather(1, chosen[:, None])
        return Pass(
            scores=_array(answer["score"]),
            classes=None if chosen is None else _array(chosen),
            probability=None if probability is None else _array(probability[:, 0]),
            values=tuple(_array(real(one)) for one in answer["values"]),
            gradients=tuple(made),
            table=_array(answer["table"]) if table and answer["table"] is not None else None,
            remarks=tuple(back.followed.said) if back.followed else (),
        )

    @torch.inference_mode(False)  # within the caller's no gradient flows, and all would be zero
    def _passed(
        self,
        inputs: Any,
        classes: np.ndarray,
        at: Sequence[Point],
        put: Mapping[Point, np.ndarray],
        gradients: bool,
        scale: float,
        back: WayBack,
    ) -> tuple[dict[str, Any], list[np.ndarray | None]]:
        """One pass and, where they are wanted, the gradients at the points."""
        device = device_of(self._model)
        flat = leaves(inputs)
        wholes = {p: torch.as_tensor(one, device=device) for p, one in put.items()}
        for point in at:
            if point.leaf is not None and point not in wholes:
                whole = torch.as_tensor(flat[point.leaf], device=device)
                wholes[point] = whole.to(getattr(torch, point.dtype))
        starts = {p: back.begun(one) if p.leaf is not None else one for p, one in wholes.items()}
        if gradients:
            starts = {p: one.requires_grad_(one.dtype.is_floating_point)
                      for p, one in starts.items()}  # fmt: skip
        wanted = None
        if self.survey.classes is not None and (classes >= 0).all():
            wanted = torch.as_tensor(classes, device=device)
        with preserved(self._model, gradients=gradients), following(back.followed):
            answer = self._forward(flat, (wholes, starts), at, gradients, wanted, back)
            # Within the rules: what is checkpointed runs once more on the way back.
            made = self._backward(answer, gradients, scale)
        made = [back.made(p, one, value)
                for p, one, value in zip(at, made, answer["values"], strict=False)]  # fmt: skip
        return answer, made

    def _forward(
        self,
        flat: Sequence[Any],
        begun: tuple[Mapping[Point, torch.Tensor], Mapping[Point, torch.Tensor]],
        at: Sequence[Point],
        gradients: bool,
        wanted: torch.Tensor | None,
        back: WayBack,
    ) -> dict[str, Any]:
        scorer, (wholes, starts) = self._known.scorer, begun
        by_leaf = {p.leaf: (one, wholes[p]) for p, one in starts.items() if p.leaf is not None}
        by_name = {point.name: one for point, one in starts.items() if point.leaf is None}
        asked = {point.name for point in at if point.leaf is None}
        place, turn = Placed(self._model), iter(range(len(flat)))

        def leaf(_: Any) -> Any:
            i = next(turn)
            return back.given(*by_leaf[i], place) if i in by_leaf else place(flat[i])

        values: dict[str, torch.Tensor] = {}

        def change(entry: Entry, value: torch.Tensor) -> torch.Tensor:
            if entry.name in by_name:
                values[entry.name] = by_name[entry.name]
                return by_name[entry.name].to(value.dtype, copy=True)
            if entry.name not in asked and not scorer.wants_layers:
                return value
            if gradients and entry.name in asked and not value.requires_grad:
                value = value.detach().requires_grad_()  # nothing before it needs a gradient
            values[entry.name] = value
            copy = value.clone()
            if back.relevance is not None and entry.name not in asked:
                back.relevance.same(value, copy)
            return copy

        asked_by_name = asked_functions([*asked, *by_name])
        watch = Watch(self._known.names, lambda _: False, lambda _, value: value,
                      asked=asked_by_name, change=change, around=back.around)  # fmt: skip
        watch.endings = []
        with watching(watch):
            outputs = forward(self._model, mapped(leaf, self._nested))
        if back.followed is not None:
            back.followed.check()
        layers = LayerValues(self._known.one_of, values)
        answer = scorer(outputs, watch.endings, wanted, layers)
        through = [starts[p] if p.leaf is not None else values[p.name] for p in at]
        found = [wholes[p] if p.leaf is not None else values[p.name] for p in at]
        return {**answer, "values": found, "through": through}

    @staticmethod
    def _backward(
        answer: Mapping[str, Any], gradients: bool, scale: float
    ) -> list[np.ndarray | None]:
        if not gradients:
            return []
        score, points = answer["score"].sum() * scale, list(answer["through"])
        through = [one for one in points if one.requires_grad]
        if not through or not score.requires_grad:
            return [None] * len(points)
        found = iter(torch.autograd.grad(score, through, allow_unused=True))
        each = [next(found) if one.requires_grad else None for one in points]
        return [None if one is None else _array(real(one)) / np.float32(scale) for one in each]


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
