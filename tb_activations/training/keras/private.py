"""The private names of Keras, and of what it runs on, that capturing cannot do without.

They stand in this file alone, so that a release that renames one is met here: each function says
what it is for, and the rest of the package knows the functions.
"""

from __future__ import annotations

import functools
import importlib
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import CodeType
from typing import Any

import keras

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

# Operations that change the variable whose handle they are given.
_ASSIGN = ("Assign", "ResourceScatter", "Rng", "Stateful")

# What `compile` and `fit` add to a model: they change nothing of its forward pass.
OF_TRAINING = frozenset(
    {
        "_compile_config",
        "_compiled_trainable_state",
        "_eval_epoch_iterator",
        "history",
        "optimizer",
        "stop_training",
    }
)
OF_TRACKING = "_self_"  # how the names of TensorFlow's own bookkeeping begin

_OTHER_SEED = 0x7B5A17  # no user's own

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


def as_it_is(error: Exception) -> Exception:
    """The error itself, which Keras passes on without a frame of its own around the sentence."""
    error._keras_call_info_injected = True  # type: ignore[attr-defined]
    return error


@contextmanager
def preserved_scopes() -> Iterator[None]:
    """Closes the name scopes that a pass leaves open where TensorFlow refuses a layer's name.

    Keras notes a scope before it enters it; one that is left would lengthen the path of every
    variable that is made later.
    """
    from keras.src.backend.common import global_state

    key = "name_scope_stack"
    depth = len(global_state.get_global_attribute(key, default=[]))
    try:
        yield
    finally:
        del global_state.get_global_attribute(key, default=[])[depth:]


def trace_of(value: Any) -> Any:
    """JAX: the trace that builds the value, None for an array that has its values."""
    return getattr(value, "_trace", None)


def mask_of(value: Any) -> Any:
    """The mask that Keras hung onto a tensor, None where there is none."""
    try:
        from keras.src.backend.common import masking
    except ImportError:  # before Keras 3.6 the attribute is all there is
        return getattr(value, "_keras_mask", None)
    return masking.get_keras_mask(value)


def mask_moved(value: Any, new: Any) -> Any:
    """The new tensor, with the mask that Keras hung onto the old one."""
    mask = mask_of(value)
    if mask is None:
        return new
    try:
        from keras.src.backend.common import masking
    except ImportError:
        new._keras_mask = mask
    else:
        masking.set_keras_mask(new, mask)
    return new


def probability_functions() -> Iterator[tuple[Any, str]]:
    """(module, name) of the functions that every way to a softmax or sigmoid ends in."""
    names = ("softmax", "log_softmax", "sigmoid")
    backend = keras.backend.backend()
    nn = importlib.import_module(f"keras.src.backend.{backend}.nn")
    yield from ((nn, name) for name in names)
    if backend == "tensorflow":
        from tensorflow.python.ops import gen_math_ops, gen_nn_ops

        yield from ((gen_nn_ops, name) for name in names[:2])
        yield gen_math_ops, "sigmoid"
    if backend == "jax":
        import jax

        yield from ((jax.nn, name) for name in names)


_ACTIVATIONS = (
    *("relu", "relu6", "elu", "selu", "celu", "silu", "gelu", "hard_silu", "tanh", "softplus"),
    *("softsign", "sigmoid", "hard_sigmoid", "tanh_shrink", "hard_tanh", "squareplus", "softmax"),
)


def activation_functions() -> Iterator[tuple[Any, str]]:
    """(module, name) of Keras' activation functions, and of the public ReLUs of its backend."""
    backend = keras.backend.backend()
    nn = importlib.import_module(f"keras.src.backend.{backend}.nn")
    yield from ((nn, name) for name in _ACTIVATIONS if hasattr(nn, name))
    yield importlib.import_module(f"keras.src.backend.{backend}.numpy"), "tanh"
    public: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {
        "tensorflow": [("tensorflow", "nn", ("relu", "relu6"))],
        "jax": [("jax", "nn", ("relu", "relu6"))],
        "torch": [("torch", "nn.functional", ("relu", "relu6")), ("torch", "", ("relu",))],
    }
    for module, inner, names in public.get(backend, []):
        owner = importlib.import_module(module)
        for part in filter(None, inner.split(".")):
            owner = getattr(owner, part)
        yield from ((owner, name) for name in names)


def seeds_of_tensorflow(apart: bool = False) -> Callable[[], None]:
    """Notes the seed of TensorFlow's eager operations; what is returned puts it back.

    Args:
      apart: operations draw from another seed until then. Each seed has a kernel with a state of
        its own, which nothing can put back.
    """
    from tensorflow.python.eager import context

    now = context.context()
    seed, generator = now._seed, getattr(now, "_rng", None)  # where no global seed is set: None
    state = None if generator is None else generator.getstate()
    if apart:
        now._seed = _OTHER_SEED
        now._rng = random.Random(_OTHER_SEED)

    def restore() -> None:
        now._seed, now._rng = seed, generator
        if generator is not None:
            generator.setstate(state)

    return restore


def global_generator() -> Any:
    """TensorFlow: the generator that `tf.random.get_global_generator` returns, None before it."""
    from tensorflow.python.ops import stateful_random_ops

    return stateful_random_ops.global_generator


def is_keras_variable(value: Any) -> bool:
    """Whether a `StatelessScope` drops what is assigned to it."""
    return isinstance(value, keras.Variable)


def moved_by(graph: Any, kept: Iterable[Any]) -> list[tuple[Any, Any]]:
    """TensorFlow: (handle, dtype) of the variables outside of a graph that it may assign to.

    Args:
      kept: handles of Keras' variables, which count only where the graph assigns to them.
    """
    from tensorflow.python.ops import handle_data_util

    known = {id(handle) for handle in kept}
    found = []
    for outside, inside in graph.captures:
        data = getattr(outside, "_handle_data", None) or handle_data_util.get_resource_handle_data(
            inside
        )
        if data is None or not data.is_set or len(data.shape_and_type) != 1:
            continue
        assigned = any(operation.type.startswith(_ASSIGN) for operation in inside.consumers())
        if assigned or id(outside) not in known:
            found.append((outside, data.shape_and_type[0].dtype))
    return found


def summary_switch() -> tuple[Any, str]:
    """TensorFlow: (module, name) of the function that every summary asks whether to record."""
    from tensorflow.python.ops import summary_ops_v2

    return summary_ops_v2, "_should_record_summaries_internal"


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


def variables_cast(dtype: str) -> AbstractContextManager[Any]:
    """In the block real variables are read in that dtype, as a layer's own call has it."""
    scope: AbstractContextManager[Any] = importlib.import_module("keras.src.backend").AutocastScope(
        dtype
    )
    return scope
