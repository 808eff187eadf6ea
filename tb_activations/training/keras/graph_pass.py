"""TensorFlow: the pass as a graph, traced once, with the statistics where the activations are."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tb_activations.training.batch import Batch, leaves, length, mapped
from tb_activations.training.keras.forward import forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.private import unoptimised
from tb_activations.training.piece import SumsPiece, Take
from tb_activations.training.plan import LayerPlan
from tb_activations.training.selection import named
from tb_activations.training.tensorflow.statistics import graph_sums


class GraphPass:
    """TensorFlow: one graph, whose optimiser is switched off for this call alone.

    Grappler fuses a convolution with its ReLU, and on a CPU the fused kernel turns NaN into 0; it
    also folds x · 0.
    """

    def __init__(self, model: Any, layers: tuple[LayerPlan, ...], inputs: Any) -> None:
        self._model = model
        self._layers = layers
        self._structure = inputs
        self._functions: dict[int | None, Any] = {}
        self._trace(inputs)

    def __call__(self, inputs: Any, keep: int, take: Take) -> None:
        examples = len(Batch(inputs))
        function = self._functions.get(None) or self._sized(inputs)
        with preserved(self._model), unoptimised():
            outputs = function(*leaves(inputs), tf.constant(keep))
        for name, (sums, kept) in outputs.items():
            take(name, SumsPiece(examples, keep, sums.numpy(), kept.numpy()))

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

    def _run(self, *arguments: Any) -> dict[str, tuple[Any, Any]]:
        *flat, keep = arguments
        rest = iter(flat)
        inputs = mapped(lambda _: next(rest), self._structure)
        graph = tf.compat.v1.get_default_graph()
        with watching(named(layer.name for layer in self._layers), home=graph) as watch:
            forward(self._model, inputs)
        values = {name: _dense(value) for name, value in watch.values.items()}
        return {
            layer.name: (
                graph_sums(values[layer.name], layer.channels_first),
                _kept(values[layer.name], layer, keep),
            )
            for layer in self._layers
        }


def _kept(value: Any, layer: LayerPlan, keep: Any) -> Any:
    kept = value[:keep]
    if layer.channels_first:
        rank = len(value.shape)
        kept = tf.transpose(kept, [0, *range(2, rank), 1])
    return kept if layer.channel_ids is None else tf.gather(kept, layer.channel_ids, axis=-1)


def _dense(value: Any) -> Any:
    if isinstance(value, tf.RaggedTensor):
        return value.to_tensor()
    return tf.sparse.to_dense(value) if isinstance(value, tf.SparseTensor) else value


def _spec(leaf: Any, size: int | None) -> Any:
    spec = tf.type_spec_from_value(leaf)
    shape = [size, *spec.shape[1:]]
    if isinstance(spec, tf.RaggedTensorSpec):
        return tf.RaggedTensorSpec(shape, spec.dtype, spec.ragged_rank)
    return type(spec)(shape, spec.dtype)
