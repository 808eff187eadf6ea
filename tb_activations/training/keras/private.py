"""The private names of Keras, and of what it runs on, that capturing cannot do without.

They stand in this file alone, so that a release that renames one is met here: each function says
what it is for, and the rest of the package knows the functions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

# Code that runs a function many times, or maps it: (end of the file's name, functions or None).
_LOOPS: tuple[tuple[str, frozenset[str] | None], ...] = (
    ("tensorflow/rnn.py", None),
    ("jax/rnn.py", None),
    ("torch/rnn.py", None),
    ("/core.py", frozenset({"associative_scan", "cond", "fori_loop", "map"})),
    ("/core.py", frozenset({"scan", "switch", "vectorized_map", "while_loop"})),
    ("tensorflow/python/ops/cond.py", None),
    ("tensorflow/python/ops/cond_v2.py", None),
    ("tensorflow/python/ops/functional_ops.py", None),
    ("tensorflow/python/ops/map_fn.py", None),
    ("tensorflow/python/ops/parallel_for/control_flow_ops.py", None),
    ("tensorflow/python/ops/while_loop.py", None),
    ("tensorflow/python/ops/while_v2.py", None),
    ("jax/_src/lax/control_flow/conditionals.py", None),
    ("jax/_src/lax/control_flow/loops.py", None),
    ("jax/_src/api.py", frozenset({"vmap_f"})),
    ("torch/_functorch/vmap.py", None),
)

# The method of an attention layer that makes its scores: `(output, scores or None)`.
ATTENTION_METHOD = "_compute_attention"


@functools.lru_cache(maxsize=4096)
def is_loop(code: CodeType) -> bool:
    """Whether the code is Keras' or a backend's own, and runs a function many times or maps it."""
    file = code.co_filename.replace("\\", "/")
    return any(
        file.endswith(end)
        and (end != "/core.py" or "/keras/src/backend/" in file)
        and (functions is None or code.co_name in functions)
        for end, functions in _LOOPS
    )


def flattened(layer: Any) -> list[Any]:
    """The layer and all layers inside it."""
    return list(layer._flatten_layers()) if hasattr(layer, "_flatten_layers") else [layer]


def takes_training(layer: Any) -> bool:
    """Whether the layer's `call` has an argument `training`."""
    return getattr(layer, "_call_has_training_arg", True)


def always_fused(attention: Any) -> bool:
    """Whether the attention layer was told to use a fused kernel, which makes no scores."""
    return bool(attention._flash_attention)


def clear_losses(layers: Iterable[Any]) -> None:
    """Forgets what calls of the layers added to `losses`."""
    for layer in layers:
        layer._clear_losses()


@contextmanager
def preserved_losses(model: Any) -> Iterator[None]:
    """Puts back what `model.losses` holds: every call of a model empties it first."""
    holders = [layer for layer in flattened(model) if hasattr(layer, "_losses")]
    before = [(layer, list(layer._losses), set(layer._loss_ids)) for layer in holders]
    try:
        yield
    finally:
        for layer, losses, ids in before:
            layer._losses[:] = losses
            layer._loss_ids.clear()
            layer._loss_ids.update(ids)


def trace_of(value: Any) -> Any:
    """JAX: the trace that builds the value, None for an array that has its values."""
    return getattr(value, "_trace", None)


def seeds_of_tensorflow() -> Callable[[], None]:
    """Notes the seed of TensorFlow's eager operations; what is returned puts it back."""
    from tensorflow.python.eager import context

    generator = getattr(context.context(), "_rng", None)  # None where no global seed is set
    if generator is None:
        return lambda: None
    state = generator.getstate()
    return lambda: generator.setstate(state)


def converted_by_autograph(function: Callable[..., Any]) -> Callable[..., Any]:
    """TensorFlow: the Python function as a `tf.function` traces it, to be called in any mode."""
    from tensorflow.python.eager.polymorphic_function import autograph_util

    return autograph_util.py_func_from_autograph(function)


@contextmanager
def unoptimised() -> Iterator[None]:
    """TensorFlow: functions first called in the block, from this thread, run as they were traced.

    The options of a call belong to the thread and are read when the function is first called, so
    that nothing else in the process runs differently.
    """
    from tensorflow.core.protobuf import config_pb2
    from tensorflow.python.eager import context

    now = context.context()
    before = now.function_call_options
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    now.function_call_options = context.FunctionCallOptions(
        executor_type=before.executor_type, config_proto=config
    )
    try:
        yield
    finally:
        now.function_call_options = before
