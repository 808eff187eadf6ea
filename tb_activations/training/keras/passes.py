"""One slice of a batch through the model → what each planned layer adds to its record.

A pass calls `take(name, piece)` for every layer. On TensorFlow it is a graph, traced once, whose
statistics are computed where the activations are; on JAX it is compiled by XLA; elsewhere, and for
a model that cannot be traced, it is the plain forward pass. Without a graph the statistics are left
to the thread that encodes.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tb_activations.training.batch import Batch, leaves, length, mapped
from tb_activations.training.keras.forward import forward, preserved
from tb_activations.training.keras.patches import watching
from tb_activations.training.keras.private import unoptimised
from tb_activations.training.keras.tensors import home_of, to_numpy
from tb_activations.training.piece import Pass, SumsPiece, Take, ValuesPiece
from tb_activations.training.plan import LayerPlan


class PlainPass:
    """The forward pass as it is; each layer's values are handed over as soon as they are there."""

    def __init__(self, model: Any, layers: tuple[LayerPlan, ...]) -> None:
        self._model = model
        self._names = {layer.name for layer in layers}

    def __call__(self, inputs: Any, keep: int, take: Take) -> None:
        def hand_over(entry: Any, value: Any) -> None:
            take(entry.name, ValuesPiece(examples, keep, to_numpy(value)))

        examples = len(Batch(inputs))
        wanted = lambda entry: entry.name in self._names  # noqa: E731
        with preserved(self._model), watching(wanted, keep=hand_over):
            forward(self._model, inputs)


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
        import tensorflow as tf

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
        import tensorflow as tf

        specs = [_spec(leaf, size) for leaf in leaves(inputs)]
        with preserved(self._model), unoptimised():
            function = tf.function(self._run, autograph=False)
            return function.get_concrete_function(*specs, tf.TensorSpec([], tf.int32))

    def _run(self, *arguments: Any) -> dict[str, tuple[Any, Any]]:
        import tensorflow as tf

        from tb_activations.training.tensorflow.statistics import graph_sums

        *flat, keep = arguments
        rest = iter(flat)
        inputs = mapped(lambda _: next(rest), self._structure)
        names = {layer.name for layer in self._layers}
        graph = tf.compat.v1.get_default_graph()
        with watching(lambda entry: entry.name in names, home=graph) as watch:
            forward(self._model, inputs)
        values = {name: _dense(value) for name, value in watch.values.items()}
        return {
            layer.name: (
                graph_sums(values[layer.name], layer.channels_first),
                _kept(values[layer.name], layer, keep),
            )
            for layer in self._layers
        }


class CompiledPass:
    """JAX: the forward pass compiled by XLA, once for each size of slice; the values come back."""

    def __init__(self, model: Any, layers: tuple[LayerPlan, ...], inputs: Any) -> None:
        import jax

        self._model = model
        self._names = [layer.name for layer in layers]
        self._structure = inputs
        self._function = jax.jit(self._run)
        jax.eval_shape(self._run, self._state(), leaves(inputs))

    def __call__(self, inputs: Any, keep: int, take: Take) -> None:
        examples = len(Batch(inputs))
        with preserved(self._model):
            outputs = self._function(self._state(), leaves(inputs))
        for name, value in zip(self._names, outputs, strict=True):
            take(name, ValuesPiece(examples, keep, np.asarray(value)))

    def _state(self) -> list[Any]:
        return [variable.value for variable in self._model.variables]

    def _run(self, state: list[Any], flat: list[Any]) -> list[Any]:
        rest = iter(flat)
        inputs = mapped(lambda _: next(rest), self._structure)
        pairs = list(zip(self._model.variables, state, strict=True))
        wanted = lambda entry: entry.name in self._names  # noqa: E731
        with watching(wanted, home=home_of(flat[0])) as watch:
            forward(self._model, inputs, pairs)
        return [watch.values[name] for name in self._names]


COMPILED: dict[str, type[GraphPass] | type[CompiledPass]] = {
    "tensorflow": GraphPass,
    "jax": CompiledPass,
}


def make_pass(model: Any, layers: tuple[LayerPlan, ...], inputs: Any) -> Pass:
    """The fastest pass that shows these layers; `inputs` are one slice, as tensors."""
    compiled = COMPILED.get(keras.backend.backend())
    if compiled is not None:
        try:
            return compiled(model, layers, inputs)
        except Exception:  # a model that runs in eager execution alone, or shows other layers there
            return PlainPass(model, layers)
    return PlainPass(model, layers)


def _kept(value: Any, layer: LayerPlan, keep: Any) -> Any:
    import tensorflow as tf

    kept = value[:keep]
    if layer.channels_first:
        rank = len(value.shape)
        kept = tf.transpose(kept, [0, *range(2, rank), 1])
    return kept if layer.channel_ids is None else tf.gather(kept, layer.channel_ids, axis=-1)


def _dense(value: Any) -> Any:
    import tensorflow as tf

    if isinstance(value, tf.RaggedTensor):
        return value.to_tensor()
    return tf.sparse.to_dense(value) if isinstance(value, tf.SparseTensor) else value


def _spec(leaf: Any, size: int | None) -> Any:
    import tensorflow as tf

    spec = tf.type_spec_from_value(leaf)
    shape = [size, *spec.shape[1:]]
    if isinstance(spec, tf.RaggedTensorSpec):
        return tf.RaggedTensorSpec(shape, spec.dtype, spec.ragged_rank)
    return type(spec)(shape, spec.dtype)
