"""The layer calls that are under way in a pass, and what each is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import keras

from tb_activations.training.keras.between import layers_between
from tb_activations.training.keras.several import Several
from tb_activations.training.keras.tensors import name_of
from tb_activations.training.selection import Place

ATTENTION = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)


class Stack:
    """Places of calls within calls; each place is numbered by how often it was called.

    looping: how many of the calls run what is inside them many times.
    """

    def __init__(self) -> None:
        self.looping = 0
        self._places: list[Place] = []
        self._layers: list[Any] = []
        self._methods: list[tuple[FrameType, Place]] = []
        self._calls: Counter[tuple[Place, str]] = Counter()

    def __bool__(self) -> bool:
        return bool(self._places)

    @property
    def layer(self) -> Any:
        """Whose call is the innermost, None where there is none."""
        return self._layers[-1] if self._layers else None

    @contextmanager
    def inside(self, layer: Any, place: Place, looping: bool = False) -> Iterator[None]:
        """In the block the call of `layer` is the innermost."""
        self._places.append(place)
        self._layers.append(layer)
        self.looping += looping
        try:
            yield
        finally:
            self.looping -= looping
            self._places.pop()
            self._layers.pop()
            if not self._places:
                self._methods.clear()  # they hold what their frames hold

    def next(self, layer: Any, call: CodeType) -> Place:
        """The place of a call of `layer` that begins.

        The model itself is named in its own entries alone, not in the paths inside it.

        Args:
          call: the code that runs for each call.
        """
        if not self._places:
            return Place()
        around = self._places[-1]
        for frame, one in layers_between(call, layer, self.layer):
            around = self._of_method(frame, around, name_of(one))
        return self._numbered(around, self._name(layer))

    def whole(self, layer: Any, place: Place) -> Place:
        """The place; the model's own beside its outermost layers, whose name may be the same."""
        if place.steps:
            return place
        return Place().inner(name_of(layer), self._calls[Place(), name_of(layer)] + 1)

    def outer(self) -> Place:
        """Of the innermost call."""
        return self.whole(self._layers[0], self._places[-1])

    def are_scores(self, layer: Any) -> bool:
        """Whether it makes attention scores `[n, heads, q, k]` for the layer around it."""
        return isinstance(self.layer, ATTENTION) and isinstance(layer, keras.layers.Softmax)

    def _name(self, layer: Any) -> str:
        if isinstance(self.layer, Several):
            return self.layer.running
        return "attention_scores" if self.are_scores(layer) else name_of(layer)

    def _numbered(self, around: Place, name: str) -> Place:
        self._calls[around, name] += 1
        return around.inner(name, self._calls[around, name])

    def _of_method(self, frame: FrameType, around: Place, name: str) -> Place:
        """The same place for all that one run of a method calls."""
        for known, place in self._methods:
            if known is frame:
                return place
        place = self._numbered(around, name)
        self._methods.append((frame, place))
        return place
