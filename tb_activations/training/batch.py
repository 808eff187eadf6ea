"""What people pass as data → one batch: the inputs as the model takes them, and the labels.

Inputs are nested lists, tuples and dicts of arrays `[n, …]`, tensors of TensorFlow, ragged and
sparse ones among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Cut = Callable[[Any, int, int], Any]


@dataclass(frozen=True)
class Batch:
    """inputs: nested arrays, the same n of each. labels: one per example, or None."""

    inputs: Any
    labels: Any = None

    def __len__(self) -> int:
        lengths = {length(leaf) for leaf in leaves(self.inputs)}
        if len(lengths) != 1:
            raise ValueError(f"the inputs hold {sorted(lengths)} examples; they must agree")
        return lengths.pop()


def first_batch(data: Any) -> Batch:
    """x, (x, y), (x, y, weights), a dict, a dataset, a generator or a Keras sequence → its batch.

    A dataset or generator is asked for its first batch alone.

    Raises:
      ValueError: there is no batch, or no example in it.
    """
    streamed = _first_of_stream(data)
    if streamed is not None:
        data = streamed
    if isinstance(data, tuple) and 1 <= len(data) <= 3:
        batch = Batch(as_inputs(data[0]), data[1] if len(data) > 1 else None)
    else:
        batch = Batch(as_inputs(data))
    if not len(batch):
        raise ValueError("the data holds no example")
    return batch


def inputs_of(x: Any) -> Any:
    """What `capture` takes: inputs as the model does, or a dataset, generator or sequence."""
    streamed = _first_of_stream(x)
    if streamed is not None:
        x = streamed[0] if isinstance(streamed, tuple) else streamed
    return as_inputs(x)


def as_inputs(x: Any) -> Any:
    """`x` with every leaf an array; a list of numbers is one array, a list of arrays many."""
    if isinstance(x, Mapping):
        return {key: as_inputs(value) for key, value in x.items()}
    if isinstance(x, list | tuple) and any(_nests(value) for value in x):
        return type(x)(as_inputs(value) for value in x) if type(x) in (list, tuple) else x
    return x if hasattr(x, "shape") and hasattr(x, "dtype") else np.asarray(x)


def leaves(inputs: Any) -> list[Any]:
    """The arrays of nested inputs, in order."""
    if isinstance(inputs, Mapping):
        return [leaf for value in inputs.values() for leaf in leaves(value)]
    if isinstance(inputs, list | tuple):
        return [leaf for value in inputs for leaf in leaves(value)]
    return [inputs]


def mapped(function: Callable[[Any], Any], inputs: Any) -> Any:
    """Nested inputs with `function` of every array."""
    if isinstance(inputs, Mapping):
        return {key: mapped(function, value) for key, value in inputs.items()}
    if isinstance(inputs, list | tuple):
        return type(inputs)([mapped(function, value) for value in inputs])
    return function(inputs)


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


def _first_of_stream(data: Any) -> Any | None:
    """The first batch of what yields batches, or None for arrays."""
    if isinstance(data, list | tuple | Mapping | str | bytes) or hasattr(data, "dtype"):
        return None
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not hasattr(data, "shape"):
        return _opened(data[0])  # a Keras Sequence
    if hasattr(data, "__iter__") or hasattr(data, "__next__"):
        for batch in data:
            return _opened(batch)
        raise ValueError("the data yields no batch")
    return None


def _opened(batch: Any) -> Any:
    return tuple(batch) if isinstance(batch, list) and len(batch) in (2, 3) else batch
