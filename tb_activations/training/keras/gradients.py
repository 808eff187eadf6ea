"""Scores and gradients of a Keras model, on any backend: what the attributions ask of it.

One small pass over copies of the first example shows everything that can be wrong before anything
is computed. Passes run with training off, and leave nothing behind in the model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from tb_activations.training.attribution.framework import (
    Guided,
    LayerWeights,
    Pass,
    Point,
    Relevance,
    Rules,
)
from tb_activations.training.batch import leaves, mapped
from tb_activations.training.keras.differentiate import BACKENDS, differentiate, no_gradients
from tb_activations.training.keras.endings import noting
from tb_activations.training.keras.forward import (
    check,
    check_model,
    forward,
    knowing,
    preserved,
)
from tb_activations.training.keras.inspection import inspected
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.points import Detour, LayerValues, one_of
from tb_activations.training.keras.private import flattened
from tb_activations.training.keras.remembered import (
    key_of,
    recall,
    remember,
    remember_independent,
)
from tb_activations.training.keras.rules import following
from tb_activations.training.keras.scores import real
from tb_activations.training.keras.survey import fixed_batch
from tb_activations.training.keras.tensors import is_array, tensor
from tb_activations.training.keras.way_back import of_rules, rules_of, run_compiled, start_of
from tb_activations.training.keras.weights import layer_weights
from tb_activations.training.selection import Entry, Selection

_COPIES = 2  # of the first example: what has one row could belong to no example
# A half-precision gradient underflows below 6e-8; one that overflows is taken again.
_SCALES = (2.0**12, 2.0**6, 1.0)


@dataclass(frozen=True)
class _Route:
    """What one pass does: where values are wanted, where they change, and what comes back.

    at: points whose values are wanted. through: points with a leaf: an input's values, a layer's
    probe, or what is put in its place. put: those of `through` that replace a layer's values.
    """

    at: tuple[Point, ...]
    through: tuple[Point, ...]
    put: tuple[Point, ...]
    gradients: bool
    rules: Rules | None = None


class KerasExplained:
    """A Keras model and what is asked of it; see `attribution.framework.Explained`.

    Raises:
      TypeError: `model` is not a Keras model or layer.
      ValueError: the backend has no gradients, or the target's function returns no scores.
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
        if keras.backend.backend() not in BACKENDS:
            raise ValueError(
                f"Keras runs on {keras.backend.backend()!r}, which has no gradients; "
                f"attributions need one of {', '.join(BACKENDS)}"
            )
        self._model = model
        self._nested = mapped(_plain, inputs)
        self.inputs = leaves(self._nested)
        self._functions: dict[_Route, Callable[..., Any]] = {}
        self._said: dict[Rules | None, tuple[str, ...]] = {}
        self._half = any(getattr(one, "compute_dtype", "") == "float16" for one in flattened(model))
        self._asked = (output, function)
        self._independent: bool | None = None
        self._key = key_of(self._nested, output, function, fixed_batch(model))
        found = recall(model, self._key)
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
        batch = fixed_batch(self._model)
        few = mapped(tensor, self.rows(np.zeros(batch or _COPIES, np.int64)))
        self._known = inspected(self._model, self._nested, few, batch, *self._asked)
        self.survey = self._known.survey
        remember(self._model, self._key, self._known)

    def rows(self, indices: np.ndarray) -> Any:
        return mapped(lambda leaf: _taken(leaf, indices), self._nested)

    def refresh(self) -> None:
        if self.survey.alone is None:
            return
        count = fixed_batch(self._model) or _COPIES
        answer = self.run(self.rows(np.zeros(count, np.int64)), np.full(count, -1), table=True)
        alone = answer.scores[:1] if answer.table is None else answer.table[0]
        self.survey = replace(self.survey, alone=alone)

    def weights(self) -> list[LayerWeights]:
        return layer_weights(self._model, self._known.entries)

    def chosen(self, layer: Any) -> Point:
        entry = self._entry(layer)
        point = self._known.points[entry.name]
        if isinstance(point, str):
            raise ValueError(f"nothing can be attributed to layer {entry.name!r}: {point}")
        return point

    def _entry(self, layer: Any) -> Entry:
        """The one entry that is meant; where it is not known, the model is looked at again."""
        watch = self._known.watch

        def check_choice(selection: Selection) -> None:
            if watch is not None:
                check(selection, watch, self._model)

        try:
            know = functools.partial(knowing, model=self._model)
            return one_of(layer, self._known.entries, check_choice, know)
        except ValueError:
            if watch is not None:
                raise
            self._inspect()
            return self._entry(layer)

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
        flat = leaves(inputs)
        starts = {
            p: start_of(p, flat, len(classes), rules) for p in at if gradients or p.leaf is not None
        }
        starts.update(put)
        route = _Route(tuple(at), tuple(starts), tuple(put), gradients, rules)
        given = [keras.ops.convert_to_tensor(one) for one in starts.values()]
        wanted = None
        if (classes >= 0).all() and self.survey.classes is not None:
            chosen = classes[:, None] == np.arange(self.survey.classes)
            wanted = keras.ops.convert_to_tensor(chosen)
        tensors = [tensor(leaf) for leaf in flat]
        for scale in _SCALES if self._half and gradients else (None,):
            with preserved(self._model):
                answer = self._passed(route, (given, tensors, wanted, scale))
            made = dict(zip(starts, answer["gradients"], strict=False))
            if all(g is None or np.isfinite(g).all() for g in made.values()):
                break
        return Pass(
            scores=answer["score"],
            classes=_chosen(answer["chosen"]),
            probability=_probability(answer),
            values=tuple(answer["values"]),
            gradients=tuple(
                _unscaled(of_rules(rules, point, made.get(point), value), scale)
                for point, value in zip(at, answer["values"], strict=True)
            ),
            table=answer["table"] if table else None,
            remarks=self._said.get(rules, ()),
        )

    def _passed(self, route: _Route, arguments: tuple) -> dict[str, Any]:
        """A pass, its answers in NumPy's arrays."""
        jax = keras.backend.backend() == "jax"
        run = self._compiled if jax else lambda route, given: self._whole(route, None, *given)
        try:
            return _in_numpy(run(route, arguments))
        except KeyError:  # a layer that ran for the inputs before, and does not for these
            if self._known.watch is not None:
                raise
            self._inspect()
            return _in_numpy(run(route, arguments))

    def _compiled(self, route: _Route, arguments: tuple) -> Any:
        """JAX: compiled, with the weights as arguments; as it is where the model forbids that."""
        state = [variable.value for variable in self._model.variables]
        whole = functools.partial(self._whole, route)
        return run_compiled(self._functions, route, whole, (state, *arguments))

    def _whole(
        self, route: _Route, state: Any, given: Any, flat: Any, chosen: Any, scale: Any
    ) -> dict[str, Any]:
        """The pass itself: forward, scores, and back where gradients are wanted."""

        def function(given: Sequence[Any]) -> tuple[Any, dict[str, Any]]:
            answer = self._forward(route, state, given, flat, chosen)
            total = keras.ops.sum(answer["score"])
            return total if scale is None else total * scale, answer

        if route.gradients:
            answer, gradients = differentiate(function, given)
        else:
            with no_gradients():
                answer, gradients = function(given)[1], []
        return {**answer, "gradients": list(gradients)}

    def _forward(
        self, route: _Route, state: Any, given: Sequence[Any], flat: Sequence[Any], chosen: Any
    ) -> dict[str, Any]:
        added = dict(zip(route.through, given, strict=True))
        by_leaf = {p.leaf: value for p, value in added.items() if p.leaf is not None}
        rules, by_leaf = rules_of(route.rules, by_leaf, flat)
        turn = iter(range(len(flat)))
        inputs = mapped(lambda _: _of(flat, by_leaf, next(turn)), self._nested)
        pairs = list(zip(self._model.variables, state, strict=True)) if state is not None else None
        scorer = self._known.scorer
        with noting() as notes:
            detour = Detour(notes, route.at, added, route.put, scorer.wants_layers)
            around = rules.call if rules else None
            with following(rules), watching(lambda _: False, change=detour, around=around):
                outputs = forward(self._model, inputs, pairs)
            if rules:
                rules.check()
                self._said[route.rules] = tuple(rules.said)
            layers = LayerValues(self._known.entries, detour.values)
            answer = scorer(outputs, notes, chosen, layers)
        values = [
            by_leaf[p.leaf] if p.leaf is not None else detour.values[p.handle] for p in route.at
        ]
        return {**answer, "values": [real(value) for value in values]}


def _of(flat: Sequence[Any], by_leaf: Mapping[int, Any], i: int) -> Any:
    return by_leaf.get(i, flat[i])


def _probability(answer: Mapping[str, Any]) -> np.ndarray | None:
    """`[m]`, of the class that was scored."""
    return None if answer["made"] is None else answer["made"][answer["chosen"]]


def _chosen(rows: np.ndarray | None) -> np.ndarray | None:
    """The number of the class of each row."""
    return None if rows is None else rows.argmax(axis=1)


def _unscaled(gradient: np.ndarray | None, scale: float | None) -> np.ndarray | None:
    return gradient if gradient is None or scale is None else gradient / np.float32(scale)


def _in_numpy(answer: Any) -> Any:
    if isinstance(answer, Mapping):
        return {key: _in_numpy(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [_in_numpy(value) for value in answer]
    if answer is None:
        return None
    if hasattr(answer, "detach"):
        answer = answer.detach()
    return np.asarray(keras.ops.convert_to_numpy(answer))


def _plain(leaf: Any) -> Any:
    """An input as NumPy's array, where it holds plain numbers."""
    if isinstance(leaf, np.ndarray):
        return leaf
    if hasattr(leaf, "dense_shape") or hasattr(leaf, "flat_values") or not is_array(leaf):
        return leaf
    if "string" in str(leaf.dtype):
        return leaf
    array = np.asarray(keras.ops.convert_to_numpy(leaf))
    return array if array.dtype.kind in "fiub" else array.astype(np.float32)


def _taken(leaf: Any, indices: np.ndarray) -> Any:
    if isinstance(leaf, np.ndarray):
        return leaf[indices]
    import tensorflow as tf  # ragged, sparse and strings are TensorFlow's alone

    if hasattr(leaf, "dense_shape"):
        slices = [
            tf.sparse.slice(leaf, [i] + [0] * (len(leaf.shape) - 1), [1, *leaf.shape[1:]])
            for i in indices
        ]
        return tf.sparse.concat(0, slices)
    return tf.gather(leaf, indices)
