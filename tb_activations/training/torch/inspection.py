"""A module and its inputs → what an attribution must know of them, from one small pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from tb_activations.training.attribution.framework import Point, Survey
from tb_activations.training.batch import leaves
from tb_activations.training.selection import Entry, Place
from tb_activations.training.torch.axes import by_rank
from tb_activations.training.torch.data import describing, named
from tb_activations.training.torch.forward import forward
from tb_activations.training.torch.functions import asked_functions
from tb_activations.training.torch.names import Names, unwrapped
from tb_activations.training.torch.patches import watching
from tb_activations.training.torch.scores import Scores
from tb_activations.training.torch.scoring import (
    Scorer,
    logits_of,
    looks_like_probabilities,
    recognised,
)
from tb_activations.training.torch.state import preserved
from tb_activations.training.torch.survey import check, selected
from tb_activations.training.torch.tensors import dtype_name, parts
from tb_activations.training.torch.watch import Watch

NOT_FOUND = (
    "the output looks like probabilities, but the softmax that makes it was not found (use "
    "`F.softmax` or `nn.Softmax` for it): the score is the probability itself, whose gradient "
    "vanishes where the model is sure"
)


@dataclass(frozen=True)
class Inspection:
    """What one small pass showed.

    entries: of all but the model itself. points: name → point, or the reason why nothing can be
    attributed there. names: of the modules. watch: of the pass, None where it is remembered.
    """

    survey: Survey
    scorer: Scorer
    entries: tuple[Entry, ...]
    points: Mapping[str, Point | str]
    names: Names
    watch: Watch | None

    def chosen(self, layer: Any) -> Point:
        """The one point that a selector chooses. Raises ValueError."""
        entry = self.one_of(layer)
        point = self.points[entry.name]
        if isinstance(point, str):
            raise ValueError(f"nothing can be attributed to layer {entry.name!r}: {point}")
        return point

    def one_of(self, layer: Any) -> Entry:
        selection = selected(layer, self.names)
        found = [entry for entry in self.entries if selection(entry)]
        if not found and self.watch is not None:
            check(selection, self.names, self.watch)
        if len(found) != 1:
            names = ", ".join(repr(entry.name) for entry in found[:8])
            more = " and more" if len(found) > 8 else ""
            raise ValueError(
                f"layer {layer!r} chooses {len(found)} outputs: {names}{more}; an attribution is "
                "taken at one"
            )
        return found[0]


class LayerValues(Mapping):
    """What a target's function sees of the layers: `layers["conv2"]` is that output's tensor."""

    def __init__(self, find: Callable[[Any], Entry], values: Mapping[str, Any]) -> None:
        self._find = find
        self._values = values

    def __getitem__(self, layer: Any) -> Any:
        return (
            self._values[layer] if layer in self._values else self._values[self._find(layer).name]
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def inspected(
    model: nn.Module,
    inputs: Any,
    few: Any,
    output: str,
    function: Callable[..., Any] | None,
) -> Inspection:
    """One pass over `few`, copies of the first example as the model takes them."""
    names = Names(model)
    watch = Watch(names, lambda _: True, lambda _, value: value, asked=asked_functions(()))
    watch.endings = []
    with describing(inputs, "x", model), preserved(model), watching(watch):
        outputs = forward(model, few)
    own, rows = unwrapped(model), len(leaves(few)[0])
    entries = tuple(e for e in watch.entries if e.layer is not own)
    values = watch.values
    points = {e.name: _why_no_point(values[e.name], rows) or _point(e, values[e.name])
              for e in entries}  # fmt: skip
    known = recognised(outputs, watch.endings)
    scorer = Scorer(output, function, known)
    found = dict(parts(outputs))
    classes = _classes(found, known, rows)
    good = {name: point for name, point in points.items() if isinstance(point, Point)}
    inspection = Inspection(
        _survey(model, watch, few, found, scorer, classes, entries, good),
        scorer,
        entries,
        points,
        names,
        watch,
    )
    if function is None and classes is None:
        return inspection
    layers = LayerValues(inspection.one_of, values)
    with torch.no_grad():
        if function is not None:
            alone = scorer(outputs, watch.endings, None, layers)["score"][:1]
        else:
            alone = scorer.tables(outputs, watch.endings)[0][0]
    survey = replace(inspection.survey, alone=alone.cpu().numpy())
    watch.values, watch.endings = {}, None
    return replace(inspection, survey=survey)


def _survey(
    model: nn.Module,
    watch: Watch,
    few: Any,
    found: Mapping[str, torch.Tensor],
    scorer: Scorer,
    classes: int | None,
    entries: Sequence[Entry],
    good: Mapping[str, Point],
) -> Survey:
    known, endings = scorer.known, watch.endings or ()
    ends = [*found.values(), *(logits_of(one, endings, known.get(p)) for p, one in found.items())]
    embedded = [e for e in entries if isinstance(e.layer, nn.Embedding) and e.name in good]
    kinds = {one.kind for one in known.values()}
    held = {id(v): v for v in watch.values.values() if isinstance(v, torch.Tensor)}.values()
    lacks = any(p not in known and looks_like_probabilities(one) for p, one in found.items())
    return Survey(
        inputs=tuple(_input_points(few, watch)),
        outputs=tuple(good.values()),
        maps=tuple(_maps(entries, good, watch.values, ends)),
        embedded=tuple(good[e.name] for e in embedded),
        classes=classes,
        output_shapes={part: tuple(one.shape[1:]) for part, one in found.items()},
        ending=kinds.pop() if len(kinds) == 1 else None,
        alone=None,
        remarks=(NOT_FOUND,) if lacks else (),
        row_bytes=sum(one.numel() * one.itemsize for one in held) // len(leaves(few)[0]),
        tolerance=3e-2 if any(p.itemsize < 4 for p in model.parameters()) else 1e-3,
        batch=None,
    )


def _input_points(few: Any, watch: Watch) -> Iterator[Point]:
    for i, (name, leaf) in enumerate(named(few)):
        if not isinstance(leaf, torch.Tensor) or leaf.dtype.is_complex or leaf.dtype == torch.bool:
            continue
        axis = watch.inputs.get(id(leaf), by_rank(leaf.dim()))
        yield Point(
            name=name,
            shape=tuple(leaf.shape[1:]),
            dtype="float64" if leaf.dtype == torch.float64 else "float32",
            data_format=_format(axis == 1 and leaf.dim() > 2),
            leaf=i,
            floating=leaf.dtype.is_floating_point,
        )


def _format(first: bool) -> str:
    return "channels_first" if first else "channels_last"


def _point(entry: Entry, value: torch.Tensor) -> Point:
    return Point(
        name=entry.name,
        shape=tuple(value.shape[1:]),
        dtype="float64" if value.dtype == torch.float64 else "float32",
        data_format=_format(entry.channels_first),
        handle=entry.name,
    )


def _why_no_point(value: Any, rows: int) -> str | None:
    """Why no gradient can be taken at an output, None where one can."""
    if isinstance(value, Scores):
        return "they are computed beside the attention, and nothing depends on them"
    if value.layout != torch.strided or value.is_quantized:
        return "it returns no plain array"
    if not value.dtype.is_floating_point:
        return f"it returns {dtype_name(value.dtype)}, and no gradient passes through that"
    if not value.dim() or value.shape[0] != rows:
        return f"it returns {tuple(value.shape)} for {rows} examples, not one array for each"
    return None


def _maps(
    entries: Sequence[Entry],
    points: Mapping[str, Point],
    values: Mapping[str, Any],
    ends: Sequence[Any],
) -> Iterator[Point]:
    """Outputs that show an example at several positions, and are not split into heads."""
    heads: set[Place] = {e.place for e in entries if isinstance(e.layer, nn.MultiheadAttention)}
    for entry in entries:
        point, steps = points.get(entry.name), entry.place.steps
        if point is None or len(point.shape) < 2 or point.positions < 2 or not entry.fresh:
            continue
        inside = any(steps[: len(one.steps)] == one.steps != steps for one in heads)
        if not inside and not any(values[entry.name] is end for end in ends):
            yield point


def _classes(found: Mapping[str, torch.Tensor], known: Mapping[str, Any], rows: int) -> int | None:
    """How many classes the only output tells apart, None where it is no row of numbers."""
    if len(found) != 1:
        return None
    ((part, value),) = found.items()
    sides = value.shape[1:]
    if value.shape[:1] != (rows,) or not value.dtype.is_floating_point:
        return None
    if sum(side != 1 for side in sides) > 1:
        return None
    count = int(np.prod(sides, dtype=np.int64))
    return 2 if part in known and known[part].kind == "sigmoid" and count == 1 else count
