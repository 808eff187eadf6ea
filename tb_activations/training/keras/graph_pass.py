"""TensorFlow: the pass as a graph, traced once, with the statistics where the activations are.

The graph returns layers as they are, as far as memory allows, and a function that all of them share
adds up each: inside the graph every layer would make it anew, which takes ten milliseconds a layer
before the first record. Layers beyond that are added up inside, and never leave it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tb_activations.training.batch import Batch, leaves, length, mapped
from tb_activations.training.keras.forward import forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.private import moved_by, unoptimised
from tb_activations.training.keras.survey import Scout, Unknown
from tb_activations.training.piece import Pass, Piece, SumsPiece, Take, ValuesPiece
from tb_activations.training.plan import LayerPlan
from tb_activations.training.selection import Named
from tb_activations.training.tensorflow.statistics import graph_sums

RETURNED_BYTES = 256 << 20  # of layers that a graph returns as they are, for one slice
SMALL = 1 << 22  # values of a layer that NumPy adds up: TensorFlow takes more of all cores
SPARED = 1 << 24  # values that NumPy adds up, in all, sooner than that function is traced
_PYTHON = ("EagerPyFunc", "PyFunc", "PyFuncStateless")  # operations that call back


class GraphPass:
    """TensorFlow: one graph, whose optimiser is switched off for this call alone.

    Grappler fuses a convolution with its ReLU, and on a CPU the fused kernel turns NaN into 0; it
    also folds x · 0.
    """

    def __init__(
        self,
        model: Any,
        layers: tuple[LayerPlan, ...],
        inputs: Any,
        scout: Scout | None = None,
    ) -> None:
        self._model = model
        self._layers = layers
        self._scout = scout
        self._structure = inputs
        self._functions: dict[int | None, Any] = {}
        self._inside = False  # whether some layers are added up inside the graph
        self._spared = SPARED
        self._sized(inputs) if scout else self._trace(inputs)

    @classmethod
    def scouting(cls, model: Any, inputs: Any, scout: Scout) -> GraphPass:
        """Traced once for what layers there are, what is kept of them, and the pass itself.

        Raises:
          Unknown: the graph of slices like `inputs` cannot tell.
        """
        return cls(model, (), inputs, scout)

    def __call__(self, inputs: Any, keep: int, take: Take) -> None:
        examples = len(Batch(inputs))
        with self._running(inputs, keep) as outputs:
            small = self._small(outputs)
            # One by one, so that what a layer returned is let go of once it has been added up.
            pieces = {
                layer.name: _piece(outputs.pop(layer.name), layer, examples, keep, small)
                for layer in self._layers
            }
        for name, fetch in pieces.items():
            take(name, fetch())

    def whole(self) -> Pass | None:
        """A pass that hands over all that the layers return; None where some are too large."""
        return None if self._inside else self._show

    def _show(self, inputs: Any, keep: int, take: Take) -> None:
        examples = len(Batch(inputs))
        with self._running(inputs, keep) as outputs:
            for layer in self._layers:
                values = np.asarray(outputs.pop(layer.name))
                take(layer.name, ValuesPiece(examples, keep, values))

    @contextmanager
    def _running(self, inputs: Any, keep: int) -> Iterator[dict[str, Any]]:
        """What the graph returns; what it moved is put back at the end of the block."""
        function, kept = self._function(inputs), min(keep, len(Batch(inputs)))
        with preserved(self._model), _assigned(function, self._model), unoptimised():
            yield function(*leaves(inputs), tf.constant(kept))

    def _small(self, outputs: dict[str, Any]) -> float:
        """How many values a layer may have for NumPy to add it up."""
        sizes = [math.inf if isinstance(o, tuple) else _size(o) for o in outputs.values()]
        total = sum(size for size in sizes if size > SMALL)
        if total > self._spared:
            return SMALL
        self._spared -= int(total)
        return math.inf

    def _function(self, inputs: Any) -> Any:
        size = length(leaves(inputs)[0])
        if size not in self._functions and None not in self._functions:
            self._trace(inputs)
        return self._functions.get(size) or self._functions.get(None) or self._sized(inputs)

    def _trace(self, inputs: Any) -> None:
        """For any number of examples; where the model does not allow that, for each by itself."""
        try:
            self._functions[None] = self._traced(inputs, None)
        except Exception:
            self._sized(inputs)

    def _sized(self, inputs: Any) -> Any:
        size = length(leaves(inputs)[0])
        if size not in self._functions:
            self._functions[size] = self._traced(inputs, size)
        return self._functions[size]

    def _traced(self, inputs: Any, size: int | None) -> Any:
        specs = [_spec(leaf, size) for leaf in leaves(inputs)]
        with preserved(self._model), unoptimised():
            function = tf.function(self._run, autograph=False)
            return function.get_concrete_function(*specs, tf.TensorSpec([], tf.int32))

    def _run(self, *arguments: Any) -> dict[str, Any]:
        """Layer → what it returns, or (sums, kept) of it."""
        *flat, keep = arguments
        rest = iter(flat)
        inputs = mapped(lambda _: next(rest), self._structure)
        graph = tf.compat.v1.get_default_graph()
        with self._watch(graph) as watch:
            outputs = forward(self._model, inputs)
        if self._scout is not None:
            _check_python(graph)
            self._layers, self._scout = self._scout.choose(watch, self._model, outputs), None
        values = {
            layer.name: layer.unfolded(_dense(watch.values[layer.name]), keras.ops)
            for layer in self._layers
        }
        returned = _returned(self._layers, values, len(Batch(self._structure)))
        self._inside = len(returned) < len(self._layers)
        return {
            layer.name: value if layer.name in returned else _summed(value, layer, keep)
            for layer, value in zip(self._layers, values.values(), strict=True)
        }

    def _watch(self, graph: Any) -> Any:
        if self._scout is None:
            return watching(Named(layer.name for layer in self._layers), home=graph)
        return watching(self._scout.wants, home=graph, keep=self._scout.note)


def _check_python(graph: Any) -> None:
    """Refuses a graph that calls Python, where layers may run that it does not show."""
    if any(operation.type in _PYTHON for operation in graph.get_operations()):
        raise Unknown("what runs inside a Python function")


@contextmanager
def _assigned(function: Any, model: Any) -> Iterator[None]:
    """Puts back the variables that the graph may assign to, whoever holds them."""
    kept = [getattr(variable.value, "handle", None) for variable in model.variables]
    moved = [
        (handle, dtype, tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype).numpy())
        for handle, dtype in moved_by(function.graph, kept)
    ]
    try:
        yield
    finally:
        for handle, dtype, value in moved:
            tf.raw_ops.AssignVariableOp(resource=handle, value=tf.constant(value, dtype))


def _returned(layers: Iterable[LayerPlan], values: dict[str, Any], examples: int) -> set[str]:
    """The layers whose values leave the graph: the smallest ones, as many as memory allows."""
    found, left = set(), RETURNED_BYTES
    sizes = {
        layer.name: replace(layer, channel_ids=None).values(examples)
        * values[layer.name].dtype.size
        for layer in layers
    }
    for name in sorted(sizes, key=sizes.__getitem__):
        left -= sizes[name]
        if left < 0:
            break
        found.add(name)
    return found


def _piece(
    output: Any, layer: LayerPlan, examples: int, keep: int, small: float
) -> Callable[[], Piece]:
    """Begins to work on what the graph returned of a layer; the function waits for it."""
    if not isinstance(output, tuple) and _size(output) <= small:
        # On a CPU the array is the tensor's memory, which `numpy()` would copy.
        return lambda: ValuesPiece(examples, keep, np.asarray(output))
    pair = output if isinstance(output, tuple) else _summed(output, layer, min(keep, examples))
    return lambda: SumsPiece(examples, keep, *(one.numpy() for one in pair))


def _size(value: Any) -> int:
    return math.prod(value.shape)


def _summed(value: Any, layer: LayerPlan, keep: Any) -> tuple[Any, Any]:
    return graph_sums(value, layer.channels_first), _kept(value, layer, keep)


def _kept(value: Any, layer: LayerPlan, keep: Any) -> Any:
    rank = len(value.shape)
    kept = tf.slice(value, [0] * rank, [keep] + [-1] * (rank - 1))
    if layer.channels_first:
        kept = tf.transpose(kept, [0, *range(2, rank), 1])
    if layer.channel_ids is None:
        return kept
    # A layer that looks across the batch has other channels where the batch is smaller.
    ids = tf.minimum(tf.constant(layer.channel_ids), tf.shape(kept)[-1] - 1)
    return tf.gather(kept, ids, axis=-1)


def _dense(value: Any) -> Any:
    if isinstance(value, tf.RaggedTensor):
        return value.to_tensor()
    return tf.sparse.to_dense(value) if isinstance(value, tf.SparseTensor) else value


def _spec(leaf: Any, size: int | None) -> Any:
    spec = tf.type_spec_from_value(leaf)
    shape = [size and length(leaf), *spec.shape[1:]]  # edges of a graph are more than its nodes
    if isinstance(spec, tf.RaggedTensorSpec):
        return tf.RaggedTensorSpec(shape, spec.dtype, spec.ragged_rank)
    return type(spec)(shape, spec.dtype)
