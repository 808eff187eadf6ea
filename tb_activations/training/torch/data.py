"""What people pass as data of a torch model → the batch, and the inputs as pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from tb_activations.training.batch import Batch, as_inputs, batch_of, check_batched, indexed
from tb_activations.training.examples import Arrays, examples_of, names_of
from tb_activations.training.receptive import Input
from tb_activations.training.shapes import DataError, Refusal, described, without_values
from tb_activations.training.torch.axes import by_rank
from tb_activations.training.torch.forward import LABELS, Taken, taken
from tb_activations.training.torch.images import Images, are_images
from tb_activations.training.torch.state import random_numbers
from tb_activations.training.torch.tensors import to_numpy

_COLOURS = (1, 3, 4)
_ROUNDING = 4 * np.finfo(np.float32).eps


@dataclass(frozen=True)
class Scale:
    """What a normalisation took away, per channel or one for all: shown is `x * std + mean`.

    Raises:
      ValueError: it is no pair of numbers, or of lists of them.
    """

    mean: np.ndarray
    std: np.ndarray

    @staticmethod
    def of(given: Any) -> Scale | None:
        if given is None:
            return None
        try:
            mean, std = (np.asarray(one, np.float64).reshape(-1) for one in given)
        except (TypeError, ValueError):
            raise ValueError(
                f"input_scale is {given!r}; it must be (mean, std), each a number or one a channel"
            ) from None
        return Scale(mean, std)

    def fits(self, array: np.ndarray, axis: int) -> bool:
        """Whether it can be of these inputs: pictures or volumes of so many channels."""
        lengths = {len(self.mean), len(self.std)}
        return array.ndim > 3 and lengths <= {1, array.shape[axis]}

    def warn(self, inputs: Sequence[Input]) -> None:
        """That it is of none of the inputs."""
        each = ", ".join(f"{one.name} {list(one.array.shape)}" for one in inputs) or "none"
        numbers = f"({self.mean.tolist()}, {self.std.tolist()})"
        warnings.warn(
            f"input_scale is {numbers}, (mean, std), which fits none of the inputs and undoes "
            "nothing: it must be of pictures [n, c, h, w] or volumes, with one number for all or "
            f"one a channel; the inputs that can be shown: {each}",
            stacklevel=2,
        )

    def undone(self, array: np.ndarray, axis: int) -> np.ndarray:
        """The pictures before, of those that it fits."""
        sides = [1] * array.ndim
        sides[axis] = -1
        mean = self.mean.reshape(sides)
        before = array * self.std.reshape(sides) + mean
        # A black pixel is 0, and not what rounding left of the mean.
        before[np.abs(before) <= _ROUNDING * np.abs(mean)] = 0
        return before.astype(np.float32)


def examples(
    model: nn.Module, data: Any, class_names: Sequence[str] | None, which: str
) -> tuple[Batch, list[str] | None]:
    """The batch that the model is shown and its labels; no random number is drawn for it.

    Raises as `training.examples.examples_of` does.
    """
    check_batched(data, "data")
    names = named_classes(model, data, class_names)
    with random_numbers(model):
        arrays = Arrays(indexed, targets, to_numpy_any, partial(arranged, taken(model)))
        return examples_of(data, names, which, arrays)


def named_classes(model: nn.Module, data: Any, given: Sequence[str] | None) -> Sequence[str] | None:
    """What classes are called: as said, as the data set has it, as the model's config has it."""
    return given if given is not None else names_of(data) or _of_config(model)


def arranged(how: Taken, one: Any, name: str, streamed: bool) -> Batch:
    """One batch as it is given → inputs as `forward` takes them, and labels.

    A tuple, or the list that a loader makes of one, is (x, y), or (x, …, y) where the model takes
    several; a dict is the arguments by name, its labels left out.
    """
    if isinstance(one, Mapping):
        return _of_dict(how, dict(one), name)
    several = isinstance(one, tuple) or (streamed and isinstance(one, list) and not are_images(one))
    if not several or not one:
        return _of_one(how, one, None, name)
    count = len(how.required) if how.several and len(one) >= len(how.required) else 1
    labels = one[count] if len(one) > count else None
    if streamed and _is_single(labels) and len(one[0]) != 1:
        raise DataError(
            f"{name} yields single examples, of which one has the label {labels}: pass what makes "
            "batches of them, torch.utils.data.DataLoader(dataset, batch_size=64)"
        )
    inputs = tuple(one[:count]) if count > 1 else one[0]
    batch = _of_one(how, inputs, labels, name)
    return replace(batch, whole=tuple(one)) if count == 1 < len(one) else batch


def _is_single(labels: Any) -> bool:
    """Whether it is the label of one example, and not of each in a batch."""
    return isinstance(labels, int | float) or getattr(labels, "shape", None) == ()


def _of_one(how: Taken, inputs: Any, labels: Any, name: str) -> Batch:
    if isinstance(inputs, Mapping):
        batch = _of_dict(how, dict(inputs), name)
        return batch if labels is None else Batch(batch.inputs, labels)
    if not how.several and are_images(inputs):
        return Batch(Images(list(inputs)), labels)
    return Batch(batch_of((inputs,), name).inputs, labels)


def _of_dict(how: Taken, given: dict[Any, Any], name: str) -> Batch:
    key = next((key for key in LABELS if key in given), None)
    known = how.by_name(given)
    if known is None:
        return Batch(batch_of(given, name).inputs, given.get(key))
    if key is not None and key not in how.required:
        known.pop(key, None)
    tensors = {key: one for key, one in known.items() if one is not None}
    whole = how.by_name(given) if key is not None and key in how.names else None
    return Batch(batch_of(tensors, name).inputs, given.get(key), whole)


def with_all(batch: Batch) -> Batch | None:
    """The batch with what was taken for labels among the inputs; None where there is nothing."""
    if batch.whole is None:
        return None
    return Batch(as_inputs(batch.whole), batch.labels)


def clearer(first: DataError, second: DataError) -> DataError:
    """Of the refusals of x, and of all of (x, y), the one that says what is wrong.

    Arguments that `forward` does not have are no news where it refuses x for what it holds.
    """
    arguments = isinstance(second.__cause__, TypeError)
    return first if arguments and not isinstance(first.__cause__, TypeError) else second


def targets(y: Any) -> Any:
    """Targets as what NumPy reads; None of what is no array, such as boxes."""
    if isinstance(y, torch.Tensor):
        return to_numpy(y)
    if isinstance(y, list | tuple) and any(isinstance(one, Mapping | list | tuple) for one in y):
        return None
    if y is None or isinstance(y, Mapping | list | tuple | np.ndarray):
        return y
    return y.to_numpy() if hasattr(y, "to_numpy") else None


def to_numpy_any(leaf: Any) -> np.ndarray:
    return to_numpy(leaf) if isinstance(leaf, torch.Tensor) else np.asarray(leaf)


def named(inputs: Any) -> Iterator[tuple[str, Any]]:
    """`input`, `input.0`, `input.key` and the leaf, in the order of `leaves`."""
    yield from _named(inputs, "input")


def _named(inputs: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(inputs, Mapping):
        for key, one in inputs.items():
            yield from _named(one, f"{name}.{key}")
    elif isinstance(inputs, list | tuple):
        for i, one in enumerate(inputs):
            yield from _named(one, f"{name}.{i}")
    elif inputs is not None:
        yield name, inputs


def shown(
    batch: Batch,
    axes: Mapping[str, int],
    first: Callable[[str], bool | None],
    scale: Scale | None,
) -> list[Input]:
    """The inputs that can be logged.

    Args:
      axes: name → axis of channels, as far as a module told.
      first: whether the user says that the channels of a name stand first.
    """
    found, count, undone = [], len(batch), 0
    for name, leaf in named(batch.inputs):
        array = _array(leaf)
        if array is None or len(array) != count or not 2 <= array.ndim <= 5 or not array.size:
            continue
        said = first(name)
        axis = axes.get(name, _axis(array)) if said is None else 1 if said else array.ndim - 1
        if scale is not None and scale.fits(array, axis):
            array, undone = scale.undone(array, axis), undone + 1
        found.append(Input(name, array, axis == 1 and array.ndim > 2))
    if scale is not None and not undone:
        scale.warn(found)
    return found


def _array(leaf: Any) -> np.ndarray | None:
    if isinstance(leaf, Images):
        if len({tuple(one.shape) for one in leaf.images}) > 1:
            return None
        leaf = torch.stack([torch.as_tensor(one) for one in leaf.images])
    array = to_numpy_any(leaf)
    return array if array.dtype.kind in "fiub" else None


def _axis(array: np.ndarray) -> int:
    """Pictures with their colours last are told by the number of colours."""
    if array.ndim > 3 and array.shape[-1] in _COLOURS and array.shape[1] not in _COLOURS:
        return array.ndim - 1
    return by_rank(array.ndim)


def _of_config(model: nn.Module) -> list[str] | None:
    """Names of classes of a model of Hugging Face's, where they are not numbered."""
    names = getattr(getattr(model, "config", None), "id2label", None)
    if not isinstance(names, Mapping) or not names:
        return None
    listed = [str(names.get(i, "")) for i in range(len(names))]
    return None if listed == [f"LABEL_{i}" for i in range(len(names))] else listed


@contextmanager
def describing(inputs: Any, name: str, model: nn.Module) -> Iterator[None]:
    """Names the argument and its shapes where the model refuses it, and what its forward takes.

    Raises:
      DataError: what torch raised of the inputs, without their values.
    """
    try:
        yield
    except (DataError, Refusal):
        raise
    except (RuntimeError, TypeError, ValueError, IndexError, KeyError) as e:
        raise DataError(
            f"the model cannot be called on {name}, {described(inputs)}: {without_values(e)}"
            + _mismatch(taken(model), inputs)
        ) from e


def _mismatch(how: Taken, inputs: Any) -> str:
    """Of a dict whose keys are not the arguments of `forward`: which those are."""
    if not isinstance(inputs, Mapping) or not how.names:
        return ""
    known = how.by_name(inputs)
    missing = [key for key in how.required if key not in inputs]
    names = ", ".join(f"{key!r}" for key in how.names)
    if known is None:
        return (
            f"; none of its keys, {', '.join(map(repr, inputs))}, is an argument of forward, which "
            f"takes {names}, so that the whole dict was passed"
        )
    return f"; {', '.join(map(repr, missing))} is missing: forward takes {names}" if missing else ""
