"""What people pass as data → one batch: the inputs as the model takes them, and the labels.

Inputs are nested lists, tuples and dicts of arrays `[n, …]`, tensors of TensorFlow, ragged and
sparse ones among them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.training.shapes import DataError, described

ACCEPTED = (
    "accepted are x, (x, y) or (x, y, weights), where x is an array [n, …] or a list or dict of "
    "them, and what yields such batches: a tf.data.Dataset, a DataLoader, a generator, a Keras "
    "sequence"
)
_DATASETS = "torch.utils.data.dataset"  # the module of PyTorch's
Cut = Callable[[Any, int, int], Any]


@dataclass(frozen=True)
class Batch:
    """inputs: nested arrays `[n, …]`. labels: one per example, or None.

    n is that of the first input. Others may have another, such as the edges of a graph: such
    inputs are run whole. whole: a tuple, all of which may be inputs.
    """

    inputs: Any
    labels: Any = None
    whole: Any = None

    def __len__(self) -> int:
        return length(leaves(self.inputs)[0])


def first_batch(
    data: Any, name: str = "data", arranged: Callable[[Any, str, bool], Batch] | None = None
) -> Batch:
    """x, (x, y), (x, y, weights), a dict, a dataset, a generator or a Keras sequence → its batch.

    A dataset or generator is asked for its first batch alone.

    Args:
      name: of the argument, for errors.
      arranged: what makes a `Batch` of one as it is given, with the name, and whether a stream
        yielded it; None for `batch_of`.

    Raises:
      DataError: there is no batch, no example in it, or it is of another kind.
    """
    _check_kind(data, name)
    streamed = _first_of_stream(data, name)
    make = arranged or batch_of
    return make(data if streamed is None else streamed, name, streamed is not None)


def batch_of(data: Any, name: str = "data", streamed: bool = False) -> Batch:
    """One batch as arrays hold it, or as a stream yielded it. Raises as `first_batch` does."""
    if isinstance(data, tuple) and 1 <= len(data) <= 3:
        inputs, labels = as_inputs(data[0], name), data[1] if len(data) > 1 else None
        batch = Batch(inputs, labels, data if streamed and _alike(data) else None)
    else:
        batch = Batch(as_inputs(data, name))
    return with_examples(batch, name)


def with_examples(batch: Batch, name: str = "data") -> Batch:
    """The batch itself.

    Raises:
      DataError: it holds no example, or what is no array of examples.
    """
    every = leaves(batch.inputs)
    if not every:
        raise DataError(f"{name} is {described(batch.inputs)}; {ACCEPTED}")
    if any(not len(leaf.shape) for leaf in every):
        raise DataError(
            f"{name} holds a single number or text; the first axis must be the examples; {ACCEPTED}"
        )
    if not len(batch):
        raise DataError(f"{name} holds no example: it is {described(batch.inputs)}")
    return batch


def as_inputs(x: Any, name: str = "data") -> Any:
    """`x` with every leaf an array; a list of numbers is one array, a list of arrays many.

    Tables and columns of pandas and their like become arrays; None, an input that is left out,
    stays None.
    """
    if isinstance(x, Mapping):
        return {key: as_inputs(value, name) for key, value in x.items()}
    if isinstance(x, list | tuple) and any(_nests(value) for value in x):
        if type(x) not in (list, tuple):
            return x
        return type(x)(as_inputs(value, name) for value in x)
    if x is None:
        return None
    if hasattr(x, "to_numpy"):
        return _numbers(x.to_numpy())
    return x if hasattr(x, "shape") and hasattr(x, "dtype") else _array(x, name)


def _array(x: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(x)
    except ValueError:
        raise DataError(
            f"{name} holds rows of unequal length: pad them to one, or pass a ragged tensor; "
            + ACCEPTED
        ) from None
    if array.dtype == object and not isinstance(next(iter(array.flat), ""), str | bytes):
        kind = type(next(iter(array.flat))).__name__
        raise DataError(f"{name} holds a {kind}, which is no array; {ACCEPTED}")
    return array


def _numbers(array: np.ndarray) -> np.ndarray:
    """Columns of several dtypes make a table of objects, which are numbers all the same."""
    if array.dtype != object:
        return array
    try:
        return array.astype(np.float32)
    except (TypeError, ValueError):
        return array


def check_batched(data: Any, name: str) -> None:
    """Refuses a data set of PyTorch's, whose first example would be taken for a batch.

    Raises:
      DataError: it is one.
    """
    bases = {one.__name__ for one in type(data).__mro__ if one.__module__ == _DATASETS}
    if "Dataset" in bases and "IterableDataset" not in bases:
        raise DataError(
            f"{name} is a {type(data).__name__}, which yields single examples: pass what makes "
            "batches of them, torch.utils.data.DataLoader(dataset, batch_size=64)"
        )


def _check_kind(data: Any, name: str) -> None:
    """Refuses what is neither an array, nested ones, nor a stream of them."""
    check_batched(data, name)
    streams = hasattr(data, "__iter__") or hasattr(data, "__next__") or hasattr(data, "__getitem__")
    if isinstance(data, str | bytes | os.PathLike):
        what = f"the text or path {os.fspath(data)!r:.80}: load what it names first"
    elif data is None:
        what = "None"
    elif hasattr(data, "shape") or streams or isinstance(data, int | float | complex):
        return
    elif callable(data):
        what = f"a {type(data).__name__}: pass what it returns, its batches or generator"
    else:
        what = f"a {type(data).__name__}"
    raise DataError(f"{name} is {what}; {ACCEPTED}")


def _alike(members: tuple[Any, ...]) -> bool:
    """Whether they may all be inputs: pairs or triplets of examples of one shape."""
    shapes = {tuple(getattr(one, "shape", ())) for one in members}
    return len(members) > 1 and len(shapes) == 1 and len(shapes.pop()) > 1


def uneven(inputs: Any) -> bool:
    """Whether the inputs have unequal numbers of rows, so that no slice of them can be taken."""
    return len({length(leaf) for leaf in leaves(inputs)}) > 1


def leaves(inputs: Any) -> list[Any]:
    """The arrays of nested inputs, in order; those left out, None, are none of them."""
    if isinstance(inputs, Mapping):
        return [leaf for value in inputs.values() for leaf in leaves(value)]
    if isinstance(inputs, list | tuple):
        return [leaf for value in inputs for leaf in leaves(value)]
    return [] if inputs is None else [inputs]


def mapped(function: Callable[[Any], Any], inputs: Any) -> Any:
    """Nested inputs with `function` of every array."""
    if isinstance(inputs, Mapping):
        return {key: mapped(function, value) for key, value in inputs.items()}
    if isinstance(inputs, list | tuple):
        return type(inputs)([mapped(function, value) for value in inputs])
    return None if inputs is None else function(inputs)


def length(array: Any) -> int:
    """The number of examples in one array or tensor."""
    if not len(array.shape):
        raise ValueError("an input is a single number; the first axis must be the examples")
    known = array.shape[0]
    return int(known if known is not None else array.nrows())


def indexed(leaf: Any, start: int, stop: int) -> Any:
    """Examples `start` to `stop` of what can be sliced."""
    return leaf[start:stop]


def slices(inputs: Any, size: int, cut: Cut = indexed) -> Iterator[Any]:
    """The inputs cut into as few, evenly long, slices of at most `size` examples as possible.

    Args:
      cut: `(leaf, start, stop)` → those examples of one array or tensor.
    """
    if uneven(inputs):
        yield inputs
        return
    count = len(Batch(inputs))
    pieces = max(1, -(-count // size))
    for i in range(pieces):
        yield span(inputs, count * i // pieces, count * (i + 1) // pieces, cut)


@dataclass(frozen=True)
class Slices:
    """A batch as a model takes it, slice by slice, as often as it is iterated.

    size: examples at most in a slice. cut: as in `slices`. tensor: of each leaf, cut, what the
    model takes.
    """

    inputs: Any
    size: int
    cut: Cut
    tensor: Callable[[Any], Any]

    def __iter__(self) -> Iterator[Any]:
        for piece in slices(self.inputs, self.size, self.cut):
            yield mapped(self.tensor, piece)


def span(inputs: Any, start: int, stop: int, cut: Cut = indexed) -> Any:
    """Examples `start` to `stop` of nested inputs."""
    return mapped(lambda leaf: cut(leaf, start, stop), inputs)


def _nests(value: Any) -> bool:
    return isinstance(value, Mapping) or len(getattr(value, "shape", ())) > 0


def _first_of_stream(data: Any, name: str) -> Any | None:
    """The first batch of what yields batches, or None for arrays."""
    for batch in stream(data):
        return batch
    if is_stream(data):
        raise DataError(f"{name} yields no batch; {ACCEPTED}")
    return None


def is_stream(data: Any) -> bool:
    """Whether it yields batches: a dataset, generator, loader or Keras sequence."""
    if isinstance(data, list | tuple | Mapping | str | bytes):
        return False
    if hasattr(data, "dtype") or hasattr(data, "to_numpy"):
        return False
    return hasattr(data, "__iter__") or hasattr(data, "__next__") or _is_sequence(data)


def stream(data: Any) -> Iterator[Any]:
    """The batches of what yields batches, none of arrays."""
    if not is_stream(data):
        return
    if _is_sequence(data):
        yield from (_opened(data[i]) for i in range(len(data)))
    else:
        yield from map(_opened, data)


def _is_sequence(data: Any) -> bool:
    """Whether it is a Keras sequence, whose batches are asked for by number."""
    counts = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    return counts and not hasattr(data, "shape")


def _opened(batch: Any) -> Any:
    return tuple(batch) if isinstance(batch, list) and len(batch) in (2, 3) else batch
