"""Sees every layer call of one forward pass: its place, its outputs, and which are worth seeing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from tb_activations.training.keras.aside import (
    BEFORE_ACTIVATION,
    activation_seen,
    alike,
    as_frames,
    as_rows,
    frames_of,
    has_activation,
)
from tb_activations.training.keras.loops import in_loop, loops
from tb_activations.training.keras.private import flattened
from tb_activations.training.keras.rearranging import rearranges
from tb_activations.training.keras.several import call_without_training
from tb_activations.training.keras.stack import ATTENTION, Stack
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


class Watch:
    """One forward pass, seen from inside: its layers, and the operations of functional models.

    entries: every output of every layer call. values: entry name → its tensor, or what `keep`
    makes of it on the spot, for those that `wanted` accepts. hidden: layers that ran inside loops.
    ran: ids of the layers that ran.

    wanted may have `inside(place, layers)`, whether to look into a `TimeDistributed` there, and
    `planned`, that it has been looked into before.

    home: the graph (TensorFlow) or trace (JAX) that the pass builds, None in eager execution. What
    belongs to another one, such as the body of a loop, has no values outside of it.

    change: what makes of a call's place, layer, arguments and outputs what the layer shall have
    returned; not asked of the outermost call, nor inside loops.

    around: what runs a layer's call in its stead, given the original, the layer, its positional and
    its named arguments; not asked inside loops.
    """

    def __init__(
        self,
        wanted: Callable[[Entry], bool],
        home: Any = None,
        keep: Callable[[Entry, Any], Any] | None = None,
        change: Callable[[Place, Any, tuple, Any], Any] | None = None,
        around: Callable[..., Any] | None = None,
    ) -> None:
        self.entries: list[Entry] = []
        self.values: dict[str, Any] = {}
        self.hidden: list[Hidden] = []
        self.ran: set[int] = set()
        self._wanted = wanted
        self._home = home
        self._keep = keep or (lambda _, value: value)
        self._change = change
        self._around = around or _plainly
        self._stack = Stack()
        self._names: set[str] = set()
        self._seen = TensorNotes()
        self._held: list[tuple] | None = None

    def call(self, original: Callable[..., Any], layer: Any, args: tuple, kwargs: dict) -> Any:
        """Runs the layer, and notes what it returns."""
        self.ran.add(id(layer))
        if self._stack and (self._stack.looping or in_loop(Watch.call.__code__)):
            self._hide(layer)
            return original(layer, *args, **kwargs)
        place = self._stack.next(layer, Watch.call.__code__)
        with self._stack.inside(layer, place, loops(layer)), self._before_activation(layer, place):
            outputs = self._around(original, layer, args, kwargs)
        if self._change is not None and place.steps:
            outputs = self._change(place, layer, args, outputs)
        frames = frames_of(layer, args, kwargs)
        if loops(layer) and not self._look_inside(layer, place, frames, outputs):
            self._hide_inner(layer, place)
        self._note(layer, place, (args, kwargs), outputs)
        return outputs

    def _before_activation(self, layer: Any, place: Place) -> AbstractContextManager[None]:
        """Notes what the layer hands to its activation, where that is asked for."""
        place = self._stack.whole(layer, place).inner(BEFORE_ACTIVATION)
        draft = Entry(place.path(), place, "", layer, False, False, -1, aside=True)
        if not has_activation(layer) or not self._wanted(draft):
            return nullcontext()

        def see(value: Any) -> None:
            if home_of(value) is self._home:
                first = self._channels_first(layer, "", value, [])
                self._emit(value, place, "", layer, False, first, aside=True)

        return activation_seen(layer, see)

    def _look_inside(self, layer: Any, place: Place, frames: Any, outputs: Any) -> bool:
        """Runs what a `TimeDistributed` wraps on all frames as rows, where that is asked for."""
        inner = [(name_of(one), one) for one in flattened(layer)[1:]]
        wants = getattr(self._wanted, "inside", None)
        if frames is None or self._held is not None or not (wants and wants(place, inner)):
            return False
        planned = getattr(self._wanted, "planned", False)
        if not planned and not self._is_pure(layer, place, frames, outputs):
            return False
        held: list[tuple] = []
        self._held = held
        try:
            with self._stack.inside(layer, place):
                call_without_training(layer.layer, as_rows(frames))
        finally:
            self._held = None
        for value, place, part, one, fresh, first, aside in held:
            self._emit(as_frames(value, frames, first), place, part, one, fresh, first, aside)
        return True

    def _is_pure(self, layer: Any, place: Place, frames: Any, outputs: Any) -> bool:
        """Whether frames as rows give what frames by themselves do; only values can tell."""
        if self._home is not None:
            raise RuntimeError(f"{layer.name!r} must run to show whether it looks at single frames")
        with self._stack.inside(layer, place, looping=True):
            rows = call_without_training(layer.layer, as_rows(frames))
        return is_array(rows) and alike(as_frames(rows, frames, False), outputs)

    def _hide(self, layer: Any) -> None:
        if self._stack:
            self.hidden.append(Hidden(layer, self._stack.outer(), name_of(layer)))

    def _hide_inner(self, layer: Any, place: Place) -> None:
        for inner in flattened(layer)[1:]:
            outer = self._stack.whole(layer, place)
            self.hidden.append(Hidden(inner, outer, name_of(inner)))

    def _note(self, layer: Any, place: Place, inputs: Any, outputs: Any) -> None:
        place = self._stack.whole(layer, place)
        given = [leaf for _, leaf in parts(inputs) if is_array(leaf)]
        for part, value in parts(outputs):
            if not is_array(value) or is_symbolic(value):
                continue
            if home_of(value) is not self._home:
                self._hide(layer)
                continue
            first = self._channels_first(layer, part, value, given)
            fresh = self._is_fresh(layer, value, given)
            self._seen.note(value, first)
            self._emit(self._in_order(layer, part, value), place, part, layer, fresh, first)

    def _emit(
        self,
        value: Any,
        place: Place,
        part: str,
        layer: Any,
        fresh: bool,
        first: bool,
        aside: bool = False,
    ) -> None:
        """One more entry, held back while its rows are still frames."""
        if self._held is not None:
            self._held.append((value, place, part, layer, fresh, first, aside))
            return
        name, is_layer = self._unique(place.path() + part), isinstance(layer, keras.Layer)
        order = len(self.entries)
        entry = Entry(name, place, part, layer, fresh, first, order, is_layer, aside)
        self.entries.append(entry)
        if self._wanted(entry):
            self.values[name] = self._keep(entry, value)

    def _in_order(self, layer: Any, part: str, value: Any) -> Any:
        """The backward half of a `Bidirectional` in the order of its output: it runs reversed."""
        around = self._stack.layer
        if not isinstance(around, keras.layers.Bidirectional) or part not in ("", ".0"):
            return value
        if layer is not around.backward_layer or not layer.return_sequences:
            return value
        return keras.ops.flip(value, axis=1)

    def _channels_first(self, layer: Any, part: str, value: Any, given: list[Any]) -> bool:
        """As the layer says, else as its input is where the rank is the same."""
        rank = len(value.shape)
        own = getattr(layer, "data_format", None)
        if own in _DATA_FORMATS:
            return own == "channels_first" and rank > 2
        returned_scores = isinstance(layer, ATTENTION) and part == ".1"
        scores = returned_scores or self._stack.are_scores(layer)
        if scores or (rank > 2 and _normalises_first(layer)):
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
        operation = not isinstance(layer, keras.Layer)
        return operation and isinstance(self._stack.layer, keras.Sequential)

    def _unique(self, name: str) -> str:
        unique, count = name, 1
        while unique in self._names:
            count += 1
            unique = f"{name}:{count}"
        self._names.add(unique)
        return unique


def _plainly(original: Callable[..., Any], layer: Any, args: tuple, kwargs: dict) -> Any:
    return original(layer, *args, **kwargs)


def _normalises_first(layer: Any) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization) and layer.axis == 1
