"""What a logger is given as `data` → the batch that the model is shown, and its labels."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.training.batch import (
    Batch,
    Cut,
    batch_of,
    first_batch,
    is_stream,
    leaves,
    mapped,
    span,
    stream,
    uneven,
)
from tb_activations.training.labels import labels_of
from tb_activations.training.shapes import DataError

BATCHES = 64  # of a stream, in which an example of each class is looked for
EXAMPLES = ("first", "per class")


@dataclass(frozen=True)
class Arrays:
    """What a framework knows of its arrays.

    cut: as `batch.slices` takes it. targets: targets as what NumPy reads, or None. to_numpy: of one
    array. arranged: `(one batch as it is given, name, whether a stream yielded it)` → a `Batch`.
    """

    cut: Cut
    targets: Callable[[Any], Any]
    to_numpy: Callable[[Any], np.ndarray]
    arranged: Callable[[Any, str, bool], Batch] = batch_of


def examples_of(
    data: Any,
    class_names: Sequence[str] | None,
    examples: str,
    arrays: Arrays,
) -> tuple[Batch, list[str] | None]:
    """The first batch and its labels, None where it has none.

    Args:
      class_names: what the integers in y are called; None for those that `data` has itself.
      examples: "first", or "per class" for one example of each class, in the order of the
        classes, out of all of (x, y) or the first batches of a stream.

    Raises:
      DataError: see `first_batch`; no classes to take one example each of.
      ValueError: `examples` is another word, or a class has no name.
    """
    if examples not in EXAMPLES:
        raise ValueError(f"examples is {examples!r}; it must be 'first' or 'per class'")
    names = class_names if class_names is not None else names_of(data)
    if examples == "first":
        batch = first_batch(data, arranged=arrays.arranged)
    else:
        batch = _one_of_each(_batches(data, arrays), names, arrays)
    given, count = arrays.targets(batch.labels), len(batch)
    if uneven(batch.inputs) and (given is None or len(given) != count):
        return batch, None  # a target for each graph, where the first input has a row for each node
    try:
        return batch, labels_of(given, count, names)
    except ValueError:
        if class_names is not None:
            raise
        return batch, labels_of(given, count)  # y holds no classes of the dataset


def names_of(data: Any) -> list[str] | None:
    """What a dataset or loader says that its classes are called.

    `class_names` of Keras' datasets; in its older iterators over a directory `{name: class}`;
    `classes` of torchvision's data sets, below a loader and subsets.
    """
    for one in _with_what_it_loads(data):
        for attribute in ("class_names", "classes"):
            names = getattr(one, attribute, None)
            if isinstance(names, list | tuple) and names:
                return [str(name) for name in names]
    numbers = getattr(data, "class_indices", None)
    if not isinstance(numbers, Mapping) or not numbers:
        return None
    return sorted(numbers, key=lambda name: numbers[name])


def _with_what_it_loads(data: Any) -> Iterable[Any]:
    for _ in range(8):
        yield data
        data = getattr(data, "dataset", None)
        if data is None:
            return


def _batches(data: Any, arrays: Arrays) -> Iterable[Batch]:
    if not is_stream(data):
        yield first_batch(data, arranged=arrays.arranged)
        return
    seen = False
    for one in itertools.islice(stream(data), BATCHES):
        seen = True
        yield arrays.arranged(one, "data", True)
    if not seen:
        first_batch(data)  # raises: it yields none


def _one_of_each(batches: Iterable[Batch], names: Sequence[str] | None, arrays: Arrays) -> Batch:
    found: dict[Any, Batch] = {}
    for batch in batches:
        for i, label in enumerate(_classes(batch, arrays)):
            if label not in found and not (isinstance(label, float) and label < 0):
                y = np.asarray(arrays.targets(batch.labels))[i : i + 1]
                found[label] = Batch(span(batch.inputs, i, i + 1, arrays.cut), y)
        if names is not None and len(found) >= len(names):
            break
    if not found:
        raise DataError(
            "examples is 'per class', and y in data holds no class that is not negative"
        )
    return _joined([found[label] for label in sorted(found)], arrays)


def _classes(batch: Batch, arrays: Arrays) -> list[Any]:
    """The class of each example; a number is sorted as one."""
    labels = labels_of(arrays.targets(batch.labels), len(batch))
    if labels is None:
        raise DataError(
            "examples is 'per class', and data holds no class for each example: pass (x, y), or "
            "what yields it, with a class or one-hot row in y for each"
        )
    try:
        return [float(label) for label in labels]
    except ValueError:
        return labels


def _joined(batches: list[Batch], arrays: Arrays) -> Batch:
    """Single examples → one batch of them.

    Raises:
      DataError: their shapes differ.
    """
    try:
        flat = [iter(list(map(arrays.to_numpy, leaves(one.inputs)))) for one in batches]
        inputs = mapped(lambda _: np.concatenate([next(one) for one in flat]), batches[0].inputs)
        return Batch(inputs, np.concatenate([one.labels for one in batches]))
    except (TypeError, ValueError):
        raise DataError(
            "examples is 'per class', and the inputs in data are of different shapes in different "
            "batches, or ragged: pass one example of each class as data"
        ) from None
