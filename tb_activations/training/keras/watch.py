"""Sees every layer call of one forward pass: its place, its outputs, and which are worth seeing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import keras

from tb_activations.training.keras.between import layers_between
from tb_activations.training.keras.loops import in_loop, loops
from tb_activations.training.keras.private import flattened
from tb_activations.training.keras.rearranging import rearranges
from tb_activations.training.keras.several import Several
from tb_activations.training.keras.tensors import (
    TensorNotes,
    home_of,
    is_array,
    is_symbolic,
    name_of,
    parts,
)
from tb_activations.training.selection import Entry, Hidden, Place

_DATA_FORMATS = ("channels_first", "channels_last")
_ATTENTION = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)


class Watch:
    """One forward pass, seen from inside: its layers, and the operations of functional models.

    entries: every output of every layer call. values: entry name → its tensor, or what `keep`
    makes of it on the spot, for those that `wanted` accepts. hidden: layers that ran inside loops.
    ran: ids of the layers that ran.

    home: the graph (TensorFlow) or trace (JAX) that the pass builds, None in eager execution. What
    belongs to another one, such as the body of a loop, has no values outside of it.
    """

    def __init__(
        self,
        wanted: Callable[[Entry], bool],
        home: Any = None,
        keep: Callable[[Entry, Any], Any] | None = None,
    ) -> None:
        self.entries: list[Entry] = []
        self.values: dict[str, Any] = {}
        self.hidden: list[Hidden] = []
        self.ran: set[int] = set()
        self._wanted = wanted
        self._home = home
        self._keep = keep or (lambda _, value: value)
        self._around: list[Place] = []
        self._layers_around: list[Any] = []
        self._looping = 0
        self._methods: list[tuple[FrameType, Place]] = []
        self._calls: Counter[tuple[Place, str]] = Counter()
        self._names: set[str] = set()
        self._seen = TensorNotes()

    def call(self, original: Callable[..., Any], layer: Any, args: tuple, kwargs: dict) -> Any:
        """Runs the layer, and notes what it returns."""
        self.ran.add(id(layer))
        if self._around and (self._looping or in_loop(Watch.call.__code__)):
            self._hide(layer)
            return original(layer, *args, **kwargs)
        place = self._place_of(layer)
        self._around.append(place)
        self._layers_around.append(layer)
        self._looping += loops(layer)
        try:
            outputs = original(layer, *args, **kwargs)
        finally:
            self._looping -= loops(layer)
            self._around.pop()
            self._layers_around.pop()
            if not self._around:
                self._methods.clear()  # they hold what their frames hold
        if loops(layer):
            self._hide_inner(layer, place)
        self._note(layer, place, (args, kwargs), outputs)
        return outputs

    def _place_of(self, layer: Any) -> Place:
        """The model itself is named in its own entries alone, not in the paths inside it."""
        if not self._around:
            return Place()
        around = self._around[-1]
        between = layers_between(Watch.call.__code__, layer, self._layers_around[-1])
        for frame, one in between:
            around = self._inner_by_method(frame, around, name_of(one))
        return self._inner(around, self._name_of(layer))

    def _inner(self, around: Place, name: str) -> Place:
        self._calls[around, name] += 1
        return around.inner(name, self._calls[around, name])

    def _inner_by_method(self, frame: FrameType, around: Place, name: str) -> Place:
        """The same place for all that one run of the method calls."""
        for known, place in self._methods:
            if known is frame:
                return place
        place = self._inner(around, name)
        self._methods.append((frame, place))
        return place

    def _name_of(self, layer: Any) -> str:
        around = self._layers_around[-1]
        if isinstance(around, Several):
            return around.running
        return "attention_scores" if self._are_scores(layer) else name_of(layer)

    def _are_scores(self, layer: Any) -> bool:
        """Whether it makes attention scores `[n, heads, q, k]` for the layer around it."""
        around = self._layers_around[-1] if self._layers_around else None
        return isinstance(around, _ATTENTION) and isinstance(layer, keras.layers.Softmax)

    def _hide(self, layer: Any) -> None:
        if self._around:
            self.hidden.append(Hidden(layer, self._outer(), name_of(layer)))

    def _outer(self) -> Place:
        """The innermost call that is not in a loop."""
        place = self._around[-1]
        return place if place.steps else self._root(self._layers_around[0])

    def _root(self, layer: Any) -> Place:
        """The model's own place: beside its outermost layers, one of which may have its name."""
        return Place().inner(name_of(layer), self._calls[Place(), name_of(layer)] + 1)

    def _hide_inner(self, layer: Any, place: Place) -> None:
        for inner in flattened(layer)[1:]:
            outer = place if place.steps else self._root(layer)
            self.hidden.append(Hidden(inner, outer, name_of(inner)))

    def _note(self, layer: Any, place: Place, inputs: Any, outputs: Any) -> None:
        place = place if place.steps else self._root(layer)
        given = [leaf for _, leaf in parts(inputs) if is_array(leaf)]
        for part, value in parts(outputs):
            if not is_array(value) or is_symbolic(value):
                continue
            if home_of(value) is not self._home:
                self._hide(layer)
                continue
            name = self._unique(place.path() + part)
            channels_first = self._channels_first(layer, part, value, given)
            entry = Entry(
                name=name,
                place=place,
                part=part,
                layer=layer,
                fresh=self._is_fresh(layer, value, given),
                channels_first=channels_first,
                order=len(self.entries),
                is_layer=isinstance(layer, keras.Layer),
            )
            self._seen.note(value, channels_first)
            self.entries.append(entry)
            if self._wanted(entry):
                self.values[name] = self._keep(entry, value)

    def _channels_first(self, layer: Any, part: str, value: Any, given: list[Any]) -> bool:
        """As the layer says, else as its input is where the rank is the same."""
        rank = len(value.shape)
        own = getattr(layer, "data_format", None)
        if own in _DATA_FORMATS:
            return own == "channels_first" and rank > 2
        returned_scores = isinstance(layer, _ATTENTION) and part == ".1"
        if returned_scores or self._are_scores(layer) or (rank > 2 and _normalises_first(layer)):
            return True
        for one in given:
            known = self._seen.channels_first(one)
            if known is not None and len(one.shape) == rank:
                return known
        return False

    def _is_fresh(self, layer: Any, value: Any, given: list[Any]) -> bool:
        if any(value is one for one in given) or self._seen.channels_first(value) is not None:
            return False
        return not rearranges(layer) and not self._makes_a_mask(layer)

    def _makes_a_mask(self, layer: Any) -> bool:
        """An operation inside a Sequential model, whose `summary()` does not list it."""
        around = self._layers_around[-1] if self._layers_around else None
        return isinstance(around, keras.Sequential) and not isinstance(layer, keras.Layer)

    def _unique(self, name: str) -> str:
        unique, count = name, 1
        while unique in self._names:
            count += 1
            unique = f"{name}:{count}"
        self._names.add(unique)
        return unique


def _normalises_first(layer: Any) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization) and layer.axis == 1
