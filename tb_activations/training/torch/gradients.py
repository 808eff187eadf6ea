"""Scores and gradients of an `nn.Module`: what the attributions ask of it.

A point's values are taken where a module or function returns them, and the model goes on with a
copy: what is done in place to it afterwards changes neither the values nor their gradient.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
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
from tb_activations.training.torch.names import unwrapped
from tb_activations.training.torch.patches import EndingsNoted, watching
from tb_activations.training.torch.remembered import (
    key_of,
    recall,
    remember,
    remember_independent,
)
from tb_activations.training.torch.rules import following
from tb_activations.training.torch.scoring import Scorer, real
from tb_activations.training.torch.state import device_of, preserved
from tb_activations.training.torch.watch import Watch
from tb_activations.training.torch.way_back import WayBack
from tb_activations.training.torch.weights import layer_weights

_COPIES = 2  # of the first example: what has one row could belong to no example
# A half-precision gradient underflows below 6e-8; one that overflows is taken again.
_SCALES = (2.0**12, 2.0**6, 1.0)


class _Changed(Exception):
    """A pass ran otherwise than what is remembered of the model."""


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
        self._half = any(one.dtype == torch.float16 for one in model.parameters())
        self._asked = (output, function)
        self._independent: bool | None = None
        self._key = key_of(model, self._nested, output, function)
        found = recall(model, self._key)
        self._recalled = found is not None
        if found is None:
            self._inspect()
        else:
            self._known, self._independent = found
            self.survey = self._known.survey
            if self._independent is None:
                self.refresh()

    @property
    def independent(self) -> bool | None:
        return self._independent

    @independent.setter
    def independent(self, whether: bool | None) -> None:
        self._independent = whether
        if whether:  # else it must be said again
            remember_independent(self._model, self._key)

    def _inspect(self) -> None:
        """Looks at the model as it is now, with one small pass."""
        rows = self.rows(np.zeros(_COPIES, np.int64))
        few = Placed(self._model).all(mapped(torch.as_tensor, rows))
        self._known = inspected(self._model, self._nested, few, *self._asked)
        self.survey = self._known.survey
        self._recalled = False
        remember(self._model, self._key, self._known)

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
        try:
            return self._known.chosen(layer)
        except ValueError:
            if self._known.watch is not None:
                raise
            self._inspect()  # what is remembered cannot say what there is
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
            back, answer, made = self._known_passed(inputs, classes, at, put, gradients, scale,
                                                    rules)  # fmt: skip
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

    def _known_passed(self, *asked: Any) -> tuple[WayBack, dict[str, Any], list[np.ndarray | None]]:
        """A pass; once more where the model did not do what is remembered of it."""
        *arguments, rules = asked
        if self._recalled:
            back = WayBack(rules)
            with contextlib.suppress(_Changed):
                return (back, *self._passed(*arguments, back))
            self._inspect()
        back = WayBack(rules)
        return (back, *self._passed(*arguments, back))

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
        wholes, starts = _begun(flat, at, put, gradients, back, device)
        wanted = None
        if self.survey.classes is not None and (classes >= 0).all():
            wanted = torch.as_tensor(classes, device=device)
        with preserved(self._model, gradients=gradients), following(back.followed):
            answer = self._forward(flat, (wholes, starts), at, gradients, wanted, back)
            # Within the rules: what is checkpointed runs once more on the way back.
            made = _backward(answer, gradients, scale)
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
        at_layers = bool(asked or by_name) or self._recalled
        with _eyes(watch, scorer, at_layers, back):
            outputs = forward(self._model, mapped(leaf, self._nested))
        if self._recalled:  # once, whether a pass does what is remembered
            own = unwrapped(self._model)
            if _seen(watch.entries, own, back) != _seen(self._known.entries, own, back):
                raise _Changed
            self._recalled = False
        if back.followed is not None:
            back.followed.check()
        layers = LayerValues(self._known.one_of, values)
        answer = scorer(outputs, watch.endings, wanted, layers)
        through = [starts[p] if p.leaf is not None else values[p.name] for p in at]
        found = [wholes[p] if p.leaf is not None else values[p.name] for p in at]
        return {**answer, "values": found, "through": through}


def _begun(
    flat: Sequence[Any],
    at: Sequence[Point],
    put: Mapping[Point, np.ndarray],
    gradients: bool,
    back: WayBack,
    device: torch.device,
) -> tuple[dict[Point, torch.Tensor], dict[Point, torch.Tensor]]:
    """What the model is given at inputs and points, and what gradients are taken at instead."""
    wholes = {p: torch.as_tensor(one, device=device) for p, one in put.items()}
    for point in at:
        if point.leaf is not None and point not in wholes:
            whole = torch.as_tensor(flat[point.leaf], device=device)
            wholes[point] = whole.to(getattr(torch, point.dtype))
    starts = {p: back.begun(one) if p.leaf is not None else one for p, one in wholes.items()}
    if gradients:
        starts = {p: one.requires_grad_(one.dtype.is_floating_point)
                  for p, one in starts.items()}  # fmt: skip
    return wholes, starts


def _backward(answer: Mapping[str, Any], gradients: bool, scale: float) -> list[np.ndarray | None]:
    if not gradients:
        return []
    score, points = answer["score"].sum() * scale, list(answer["through"])
    through = [one for one in points if one.requires_grad]
    if not through or not score.requires_grad:
        return [None] * len(points)
    found = iter(torch.autograd.grad(score, through, allow_unused=True))
    each = [next(found) if one.requires_grad else None for one in points]
    return [None if one is None else _array(real(one)) / np.float32(scale) for one in each]


def _eyes(
    watch: Watch, scorer: Scorer, at_layers: bool, back: WayBack
) -> AbstractContextManager[Any]:
    """What looks at a pass: no more than is needed, since every call that is seen costs."""
    if at_layers or scorer.wants_layers or back.relevance is not None:
        return watching(watch)
    return EndingsNoted(watch) if scorer.known else contextlib.nullcontext()


def _seen(entries: Sequence[Entry], own: Any, back: WayBack) -> list[str]:
    """The outputs that a pass shows. Rules run what is within an activation as one step."""
    inner = back.followed is None
    return [one.name for one in entries
            if one.layer is not own and not one.aside and (inner or one.is_layer)]  # fmt: skip


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
