"""Where attributions are taken in a Keras model, and how a pass is made to go through there.

A small pass over two copies of the first example shows the inputs and layers as points. In later
passes a zero "probe" is added to what a layer returns, so that the gradient there is that of the
probe on every backend; or the layer's output is replaced by other values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tb_activations.training.attribution.framework import Point
from tb_activations.training.batch import leaves
from tb_activations.training.keras.endings import Notes
from tb_activations.training.keras.private import mask_moved
from tb_activations.training.keras.tensors import is_array, parts
from tb_activations.training.selection import Entry, Place, Selection

Handle = tuple[Place, str]


def input_points(inputs: Any, entries: Sequence[Entry], values: Mapping[str, Any]) -> list[Point]:
    """The inputs that hold numbers."""
    found = []
    names = [f"input{part}" for part, _ in parts(inputs)]
    for i, (name, leaf) in enumerate(zip(names, leaves(inputs), strict=True)):
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fiu":
            found.append(
                Point(
                    name=name,
                    shape=leaf.shape[1:],
                    dtype="float64" if leaf.dtype == np.float64 else "float32",
                    data_format=_format_of_input(leaf.ndim, entries, values),
                    leaf=i,
                    floating=leaf.dtype.kind == "f",
                )
            )
    return found


def _format_of_input(rank: int, entries: Sequence[Entry], values: Mapping[str, Any]) -> str:
    """That of the first layer that has one and returns an array of the same rank."""
    for entry in entries:
        if hasattr(entry.layer, "data_format") and len(values[entry.name].shape) == rank:
            return _format_of(entry)
    return "channels_last"


def _format_of(entry: Entry) -> str:
    return "channels_first" if entry.channels_first else "channels_last"


def output_point(entry: Entry, value: Any) -> Point:
    dtype = keras.backend.standardize_dtype(value.dtype)
    return Point(
        name=entry.name,
        shape=tuple(int(side) for side in value.shape[1:]),
        dtype="float64" if dtype == "float64" else "float32",
        data_format=_format_of(entry),
        handle=(entry.place, entry.part),
    )


def why_no_point(value: Any, rows: int) -> str | None:
    """Why no gradient can be taken at a layer's output, None where one can."""
    if not is_array(value) or not hasattr(value, "shape") or hasattr(value, "dense_shape"):
        return "it returns no plain array"
    if hasattr(value, "flat_values"):
        return "it returns a ragged array"
    dtype = keras.backend.standardize_dtype(value.dtype)
    if "float" not in dtype:
        return f"it returns {dtype}, and no gradient passes through that"
    if not len(value.shape) or value.shape[0] != rows:
        return f"it returns {tuple(value.shape)} for {rows} examples, not one array for each"
    return None


def is_map(entry: Entry, point: Point, heads: set[Place]) -> bool:
    """Whether the output shows an example at several positions, and is not split into heads."""
    if len(point.shape) < 2 or point.positions < 2 or not entry.fresh:
        return False
    steps = entry.place.steps
    return not any(steps[: len(around.steps)] == around.steps != steps for around in heads)


def attention_places(entries: Sequence[Entry]) -> set[Place]:
    """The calls inside of which arrays are split into heads."""
    kinds = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)
    return {entry.place for entry in entries if isinstance(entry.layer, kinds)}


class LayerValues(Mapping):
    """What a target's function sees of the layers: `layers["conv2"]` is that output's tensor."""

    def __init__(self, entries: Sequence[Entry], values: Mapping[Handle, Any]) -> None:
        self._entries = entries
        self._values = values

    def __getitem__(self, layer: Any) -> Any:
        entry = one_of(layer, self._entries, lambda one: one.check(self._entries, (), ()))
        return self._values[entry.place, entry.part]

    def __iter__(self) -> Iterator[str]:
        return iter([entry.name for entry in self._entries])

    def __len__(self) -> int:
        return len(self._entries)


def one_of(
    layer: Any,
    entries: Sequence[Entry],
    check: Callable[[Selection], None],
    knowing: Callable[[Selection], Selection] = lambda selection: selection,
) -> Entry:
    """The one entry that a selector chooses; `check` refuses one that chooses none.

    Raises:
      ValueError: it chooses none, or several, and which.
    """
    selection = knowing(Selection(layer))
    found = [entry for entry in entries if selection(entry)]
    if not found:
        check(selection)
    if len(found) != 1:
        names = ", ".join(repr(_exact(entry, found)) for entry in found[:8])
        raise ValueError(
            f"layer {layer!r} chooses {len(found)} outputs: {names}"
            f"{' and more' if len(found) > 8 else ''}; an attribution is taken at one"
        )
    return found[0]


def _exact(entry: Entry, found: Sequence[Entry]) -> str:
    """A name that chooses this call alone: `block:1/conv` where `block:2/conv` was found, too."""
    names = [name for name, _ in entry.place.steps]
    others = [one.place.steps for one in found if [n for n, _ in one.place.steps] == names]
    steps = []
    for i, (name, call) in enumerate(entry.place.steps):
        numbered = call > 1 or len({other[i][1] for other in others}) > 1
        steps.append(f"{name}:{call}" if numbered else name)
    return "/".join(steps) + entry.part


class Detour:
    """What one pass does at its points; the `change` of a watch.

    values: handle → what the layer returned, for the points that are asked for.
    """

    def __init__(
        self,
        notes: Notes,
        asked: Sequence[Point],
        added: Mapping[Point, Any],
        put: Sequence[Point],
        all_values: bool,
    ) -> None:
        self.values: dict[Handle, Any] = {}
        self._notes = notes
        self._asked = {point.handle for point in asked if point.leaf is None}
        self._leaves = {p.handle: leaf for p, leaf in added.items() if p.leaf is None}
        self._put = {point.handle for point in put}
        self._all = all_values
        self._alone = len(added) == 1
        self._places = {handle[0] for handle in self._asked | set(self._leaves)}

    def __call__(self, place: Place, layer: Any, args: tuple, outputs: Any) -> Any:
        self._notes.layer_returned(place, layer, args, outputs)
        if not self._all and place not in self._places:
            return outputs
        return self._through(place, "", outputs)

    def _through(self, place: Place, part: str, value: Any) -> Any:
        """Nested outputs, those at points replaced."""
        if isinstance(value, Mapping):
            return {key: self._through(place, f"{part}.{key}", one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            new = [self._through(place, f"{part}.{i}", one) for i, one in enumerate(value)]
            if all(a is b for a, b in zip(new, value, strict=True)):
                return value
            named = isinstance(value, tuple) and type(value) is not tuple
            return type(value)(*new) if named else type(value)(new)
        handle = (place, part)
        if value is not None and (self._all or handle in self._asked):
            self.values[handle] = value
        if handle not in self._leaves:
            return value
        return mask_moved(value, self._detoured(handle, value))

    def _detoured(self, handle: Handle, value: Any) -> Any:
        leaf = keras.ops.cast(self._leaves[handle], value.dtype)
        if handle in self._put:
            self.values[handle] = leaf
            return leaf
        # Alone, nothing before the probe needs a gradient, and nothing is kept for it.
        return (keras.ops.stop_gradient(value) if self._alone else value) + leaf
