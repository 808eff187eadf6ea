"""What a callback is given as `data` → the batch that the model is shown, and its labels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tb_activations.training.batch import (
    Batch,
    batch_of,
    first_batch,
    is_stream,
    leaves,
    mapped,
    span,
    stream,
    uneven,
)
from tb_activations.training.keras.tensors import cut, targets, to_numpy
from tb_activations.training.labels import labels_of
from tb_activations.training.shapes import DataError

BATCHES = 64  # of a stream, in which an example of each class is looked for
EXAMPLES = ("first", "per class")


def examples_of(
    data: Any, class_names: Sequence[str] | None = None, examples: str = "first"
) -> tuple[Batch, list[str] | None]:
    """The first batch and its labels, None where it has none.

    Args:
      class_names: what the integers in y are called; None for those that `data` has itself, as
        `keras.utils.image_dataset_from_directory` gives them.
      examples: "first", or "per class" for one example of each class, in the order of the
        classes, out of all of (x, y) or the first batches of a stream.

    Raises:
      DataError: see `first_batch`; no classes to take one example each of.
      ValueError: `examples` is another word, or a class has no name.
    """
    if examples not in EXAMPLES:
        raise ValueError(f"examples is {examples!r}; it must be 'first' or 'per class'")
    names = class_names if class_names is not None else _names_of(data)
    batch = first_batch(data) if examples == "first" else _one_of_each(data, names)
    given, count = targets(batch.labels), len(batch)
    if uneven(batch.inputs) and (given is None or len(given) != count):
        return batch, None  # a target for each graph, where the first input has a row for each node
    try:
        return batch, labels_of(given, count, names)
    except ValueError:
        if class_names is not None:
            raise
        return batch, labels_of(given, count)  # y holds no classes of the dataset


def _names_of(data: Any) -> list[str] | None:
    """`class_names` of a dataset; in older iterators over a directory `{name: class}`."""
    names = getattr(data, "class_names", None)
    if isinstance(names, list | tuple) and names:
        return list(names)
    numbers = getattr(data, "class_indices", None)
    if not isinstance(numbers, Mapping) or not numbers:
        return None
    return sorted(numbers, key=lambda name: numbers[name])


def _one_of_each(data: Any, names: Sequence[str] | None) -> Batch:
    found: dict[Any, Batch] = {}
    for batch in _batches(data):
        for i, label in enumerate(_classes(batch)):
            if label not in found and not (isinstance(label, float) and label < 0):
                y = np.asarray(targets(batch.labels))[i : i + 1]
                found[label] = Batch(span(batch.inputs, i, i + 1, cut), y)
        if names is not None and len(found) >= len(names):
            break
    if not found:
        raise DataError(
            "examples is 'per class', and y in data holds no class that is not negative"
        )
    return _joined([found[label] for label in sorted(found)])


def _batches(data: Any) -> Iterator[Batch]:
    if not is_stream(data):
        yield first_batch(data)
        return
    seen = False
    for one in itertools.islice(stream(data), BATCHES):
        seen = True
        yield batch_of(one, streamed=True)
    if not seen:
        first_batch(data)  # raises: it yields none


def _classes(batch: Batch) -> list[Any]:
    """The class of each example; a number is sorted as one."""
    labels = labels_of(targets(batch.labels), len(batch))
    if labels is None:
        raise DataError(
            "examples is 'per class', and data holds no class for each example: pass (x, y), or "
            "what yields it, with a class or one-hot row in y for each"
        )
    try:
        return [float(label) for label in labels]
    except ValueError:
        return labels


def _joined(batches: list[Batch]) -> Batch:
    """Single examples → one batch of them.

    Raises:
      DataError: their shapes differ.
    """
    try:
        flat = [iter(list(map(to_numpy, leaves(one.inputs)))) for one in batches]
        inputs = mapped(lambda _: np.concatenate([next(one) for one in flat]), batches[0].inputs)
        return Batch(inputs, np.concatenate([one.labels for one in batches]))
    except (TypeError, ValueError):
        raise DataError(
            "examples is 'per class', and the inputs in data are of different shapes in different "
            "batches, or ragged: pass one example of each class as data"
        ) from None
