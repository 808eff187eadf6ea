"""What of a model can be logged: two small passes, of one example more in the second.

Which axis holds the examples is read off what grew; nothing is guessed of it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from tb_activations.record.options import check_data_format, check_rank
from tb_activations.training.batch import Batch, mapped, span, uneven
from tb_activations.training.dry_run import LeftOut
from tb_activations.training.recorder import SLICE
from tb_activations.training.selection import Entry, Place, Selection
from tb_activations.training.shapes import DataError
from tb_activations.training.torch.axes import REARRANGING
from tb_activations.training.torch.calls import MOST_CALLS
from tb_activations.training.torch.data import describing, named
from tb_activations.training.torch.forward import Forward, Placed, forward
from tb_activations.training.torch.functions import asked_functions
from tb_activations.training.torch.images import Images
from tb_activations.training.torch.layout import Layout, Look, grown, layout_of, of_one_size
from tb_activations.training.torch.names import Names
from tb_activations.training.torch.patches import watching
from tb_activations.training.torch.returned import is_row, returned_by
from tb_activations.training.torch.scores import MAX_BYTES, Scores
from tb_activations.training.torch.state import Autocast, as_dtype, preserved
from tb_activations.training.torch.tensors import dtype_name, to_numpy
from tb_activations.training.torch.watch import Watch
from tb_activations.training.watched import Wishes

_FEW = 2  # examples of the smaller batch


@dataclass(frozen=True)
class How:
    """How a model is run and its functions are seen.

    forward: of the model and inputs, what runs it. first: of a name, whether the user says that its
    channels stand first. autocast: see `state.preserved`.
    """

    forward: Forward = forward
    functions: bool = True
    autocast: Autocast = None
    first: Callable[[str], bool | None] = lambda _: None

    def run(self, model: nn.Module, inputs: Any, watch: Watch) -> Any:
        """One pass of `inputs`, tensors as the model takes them; returns what the model returns."""
        with preserved(model, self.autocast), watching(watch):
            return self.forward(model, inputs)


@dataclass
class Survey:
    """What there is, and how it lies.

    found: the chosen entries that can be logged, each with the shape for `count` examples.
    layouts: entry name → axes. left_out: those that cannot, and why; passed: those that show
    another's values, or are calls of a loop; idle: modules that did not run by themselves. loops:
    see `Watch`. inputs: name of an input → axis of channels. divisible: whether the model takes any
    number of examples.
    """

    found: list[tuple[Entry, tuple[int, ...]]] = field(default_factory=list)
    layouts: dict[str, Layout] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    passed: list[LeftOut] = field(default_factory=list)
    idle: list[LeftOut] = field(default_factory=list)
    loops: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, int] = field(default_factory=dict)
    divisible: bool = True


def selected(layers: Any, names: Names) -> Selection:
    """The choices with dotted names and wrapped modules as the model has them."""
    if layers is not None:
        many = isinstance(layers, list | tuple | set | frozenset)
        layers = [names.choice(one) for one in (layers if many else [layers])]
    return Selection(layers, {step for _, steps in names for step in steps})


def formats(data_format: Any) -> Callable[[str], bool | None]:
    """Of a name, whether its channels stand first; None where the user says nothing of it.

    Raises:
      ValueError: no such layout. TypeError: neither a layout nor a dict of them by glob.
    """
    if data_format is None:
        return lambda _: None
    given = {"*": data_format} if isinstance(data_format, str) else data_format
    if not isinstance(given, Mapping):
        raise TypeError(
            f"data_format is {data_format!r}; it must be 'channels_first', 'channels_last', or a "
            "dict of them by glob, {'encoder/*': 'channels_last'}"
        )
    for one in given.values():
        check_data_format(one)

    def first(name: str) -> bool | None:
        for pattern, layout in given.items():
            if any(fnmatch.fnmatchcase(n, pattern) for n in (name, name.rsplit("/", 1)[-1])):
                return bool(layout == "channels_first")
        return None

    return first


def surveyed(model: nn.Module, batch: Batch, layers: Any, how: How) -> Survey:
    """The chosen entries, with the shapes that they have for one slice of the batch.

    Raises:
      ValueError: something that was asked for is not there or cannot be logged, or nothing can.
      DataError: the model does not take the data.
    """
    names = Names(model)
    selection = selected(layers, names)
    few, many, counts = _two(batch)
    passes = [_pass(model, names, selection, one, how) for one in (few, many) if one is not None]
    if None in passes or few is None:
        return _of_one_pass(model, names, selection, batch, how)
    (small, _), (large, watch) = passes  # type: ignore[misc]
    survey, count = Survey(loops=watch.loops), min(SLICE, len(batch))
    for entry, look in large.values():
        before = small.get(entry.name, (None, None))[1]
        layout = _refused(entry, look) or layout_of(before, look, counts)
        if isinstance(layout, Layout) and before is not None:
            _keep(survey, entry, layout, grown(before, look, counts, count))
        else:
            _leave_out(survey, selection, entry, str(layout))
    _finish(survey, selection, names, watch, many)
    return survey


def how_of(wishes: Wishes) -> How:
    """Raises ValueError or TypeError for what cannot be asked for."""
    if wishes.forward is not None and not callable(wishes.forward):
        raise TypeError(f"forward is {wishes.forward!r}; it must be a function of the model and x")
    if wishes.autocast is not None and not callable(wishes.autocast):
        as_dtype(wishes.autocast)
    return How(
        wishes.forward or forward,
        wishes.functions,
        wishes.autocast,
        formats(wishes.data_format),
    )


Looks = dict[str, tuple[Entry, Look]]


def _of_one_pass(
    model: nn.Module, names: Names, selection: Selection, batch: Batch, how: How
) -> Survey:
    """Where the model takes one number of examples alone: all, at once."""
    with describing(batch.inputs, "data", model):
        looks, watch = _looks(model, names, selection, batch.inputs, how)
    survey, count = Survey(loops=watch.loops, divisible=False), len(batch)
    for entry, look in looks.values():
        layout = _refused(entry, look) or of_one_size(look, count)
        if isinstance(layout, Layout):
            _keep(survey, entry, layout, look.shape)
        else:
            _leave_out(survey, selection, entry, layout)
    _finish(survey, selection, names, watch, batch.inputs)
    return survey


def _finish(survey: Survey, selection: Selection, names: Names, watch: Watch, inputs: Any) -> None:
    check(selection, names, watch)
    survey.inputs = dict(watch.named_inputs)
    survey.passed = [
        LeftOut(one.name, _passed(one))
        for one in watch.entries
        if not selection(one) and not one.aside
    ]
    hidden = {id(one.layer) for one in watch.hidden}
    survey.idle = [
        LeftOut("/".join(steps), "it does not run as a module in a forward pass")
        for module, steps in names
        if steps and id(module) not in watch.ran | hidden and not _holds(module)
    ]
    survey.idle += [
        LeftOut(
            one.place.path(),
            f"it runs under vmap in {one.outer.path()!r}, which stands for it",
        )
        for one in watch.hidden
    ]
    if not survey.found:
        reasons = "".join(f"; {one.name!r}: {one.reason}" for one in survey.left_out[:20])
        raise ValueError(f"the model has no layer whose output can be logged{reasons}")


def _passed(entry: Entry) -> str:
    if any(number > MOST_CALLS for _, number in entry.place.steps):
        return f"it is a call of a loop, after the first {MOST_CALLS}; ask for it by name to see it"
    if isinstance(entry.layer, REARRANGING):
        return "its values are its input's, rearranged; ask for it by name to see it"
    return "its values are those of another layer; ask for it by name to see it"


def _holds(module: nn.Module) -> bool:
    """Whether it only holds others, and is not called."""
    return isinstance(module, nn.ModuleList | nn.ModuleDict | nn.ParameterList | nn.ParameterDict)


def check(selection: Selection, names: Names, watch: Watch) -> None:
    """Refuses what was asked for and is not there. Raises ValueError."""
    idle = [
        (Place(tuple((step, 1) for step in steps)), module)
        for module, steps in names
        if id(module) not in watch.ran and steps
    ]
    selection.check(watch.entries, watch.hidden, idle)


def _keep(survey: Survey, entry: Entry, layout: Layout, shape: tuple[int, ...]) -> None:
    survey.layouts[entry.name] = layout
    laid = replace(entry, channels_first=layout.channels_first, fold=layout.fold)
    survey.found.append((laid, layout.shape(shape)))


def _leave_out(survey: Survey, selection: Selection, entry: Entry, why: str) -> None:
    if selection.explicit:
        raise ValueError(f"layer {entry.name!r} cannot be logged: {why}")
    survey.left_out.append(LeftOut(entry.name, why))


def _refused(entry: Entry, look: Look) -> str | None:
    if look.refusal:
        return look.refusal
    try:
        check_rank(len(look.shape))
    except ValueError as e:
        return str(e)
    return f"it returns {look.shape}, which holds no values" if 0 in look.shape else None


def _pass(
    model: nn.Module, names: Names, selection: Selection, inputs: Any, how: How
) -> tuple[Looks, Watch] | None:
    """None where the model does not take so many examples."""
    try:
        return _looks(model, names, selection, inputs, how)
    except (DataError, torch.OutOfMemoryError):
        raise
    except Exception:
        return None


def _looks(
    model: nn.Module, names: Names, selection: Selection, inputs: Any, how: How
) -> tuple[Looks, Watch]:
    looks: Looks = {}
    placed = Placed(model).all(inputs)
    count = len(Batch(inputs))

    rows: dict[str, torch.Tensor] = {}

    def keep(entry: Entry, value: Any) -> None:
        looks[entry.name] = entry, _look(value, watch.axes[entry.name], count)
        if is_row(value):
            rows[entry.name] = value

    watch = Watch(
        names,
        selection,
        keep,
        functions=how.functions,
        asked=asked_functions(selection.texts),
        first=how.first,
    )
    leaves = dict(named(placed))
    watch.endings = []
    outputs = how.run(model, placed, watch)
    for name, one in returned_by(outputs, watch.endings, rows).items():
        looks[name] = replace(looks[name][0], returned=one), looks[name][1]
    watch.endings = None
    watch.named_inputs = {
        name: watch.inputs[id(leaf)] for name, leaf in leaves.items() if id(leaf) in watch.inputs
    }
    return looks, watch


def _look(value: Any, axis: int, count: int) -> Look:
    shape = tuple(int(side) for side in value.shape)
    if isinstance(value, Scores):
        size = value.nbytes // max(1, shape[0])
        too_many = f"the scores of one example take {size:,} bytes" if size > MAX_BYTES else None
        return Look(shape, axis, refusal=too_many)
    if value.dtype.is_complex:
        return Look(shape, axis, refusal=f"it is of dtype {dtype_name(value.dtype)}")
    rows = shape and shape[0] != count
    values = to_numpy(value) if rows and value.numel() <= 1 << 22 else None
    return Look(shape, axis, values)


def _two(batch: Batch) -> tuple[Any, Any, tuple[int, int]]:
    """Two batches, one the beginning of the other; a single example twice."""
    inputs, count = batch.inputs, len(batch)
    if uneven(inputs):
        return None, inputs, (count, count)
    if count == 1:
        return inputs, mapped(_twice, inputs), (1, 2)
    few = min(_FEW, count - 1)
    return span(inputs, 0, few), span(inputs, 0, few + 1), (few, few + 1)


def _twice(leaf: Any) -> Any:
    if isinstance(leaf, Images):
        return Images([*leaf.images, *leaf.images])
    return torch.cat([leaf, leaf]) if isinstance(leaf, torch.Tensor) else np.concatenate([leaf] * 2)
