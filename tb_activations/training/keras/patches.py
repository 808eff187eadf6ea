"""Opens a watch over the layer calls of one thread.

While at least one watch is open, Keras' `Layer.__call__` is replaced, and on TensorFlow the call of
a `tf.function`, so that a decorated `call` is looked into; calls from other threads go straight
through. The last watch to close puts the originals back.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from tb_activations.training.keras.private import (
    ATTENTION_METHOD,
    always_fused,
    converted_by_autograph,
    summary_switch,
)
from tb_activations.training.keras.replaced import Make, Replaced
from tb_activations.training.keras.rules import followed
from tb_activations.training.keras.tensors import is_symbolic, parts
from tb_activations.training.keras.watch import Watch
from tb_activations.training.selection import Entry, Place

_OWN_FUNCTIONS = ("keras.", "tensorflow.")  # a tf.function of theirs is left as it is

_thread = threading.local()


@contextmanager
def watching(
    wanted: Callable[[Entry], bool],
    home: Any = None,
    keep: Callable[[Entry, Any], Any] | None = None,
    change: Callable[[Place, Any, tuple, Any], Any] | None = None,
    around: Callable[..., Any] | None = None,
) -> Iterator[Watch]:
    """A watch over the layer calls that this thread makes inside the block."""
    watch = Watch(wanted, home, keep, change, around)
    before = getattr(_thread, "watch", None)
    with _patches:
        _thread.watch = watch
        try:
            yield watch
        finally:
            _thread.watch = before


def _calls() -> Iterator[tuple[Any, str, Make]]:
    yield keras.Layer, "__call__", _watched_layer_call
    yield keras.Operation, "__call__", _watched_operation_call
    yield keras.layers.MultiHeadAttention, ATTENTION_METHOD, _watched_attention
    if keras.backend.backend() == "tensorflow":
        yield _tf_function_class(), "__call__", _watched_function_call
        yield *summary_switch(), _silent_summaries


_patches = Replaced(_calls)


def _watched_layer_call(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        watch = getattr(_thread, "watch", None)
        if watch is None or any(is_symbolic(leaf) for _, leaf in parts((args, kwargs))):
            return original(layer, *args, **kwargs)
        return watch.call(original, layer, args, kwargs)

    return call


def _silent_summaries(original: Callable[..., Any]) -> Callable[..., Any]:
    """What layers write themselves is of training: a watched pass records no summary of theirs."""

    @functools.wraps(original)
    def should_record(*args: Any, **kwargs: Any) -> Any:
        if getattr(_thread, "watch", None) is None:
            return original(*args, **kwargs)
        import tensorflow as tf

        return tf.constant(False)

    return should_record


def _watched_operation_call(original: Callable[..., Any]) -> Callable[..., Any]:
    """What `x + y` and `ops.relu(x)` became in a functional model, run as its graph is run.

    Layers are operations too, and call this within their own call.
    """
    watched = _watched_layer_call(original)

    @functools.wraps(original)
    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        run = original if isinstance(operation, keras.Layer) else watched
        return run(operation, *args, **kwargs)

    return call


def _watched_attention(original: Callable[..., Any]) -> Callable[..., Any]:
    """Attention by a fused kernel leaves no scores: they are computed beside it, to be seen.

    What the layer returns stays the kernel's, to the bit.
    """

    @functools.wraps(original)
    def compute(layer: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if followed() is not None and not always_fused(layer):  # no rule sees into a kernel
            bound = inspect.signature(original).bind(layer, query, *args, **kwargs).arguments
            return original(**{**bound, "return_attention_scores": True})
        output, scores = original(layer, query, *args, **kwargs)
        if scores is None and getattr(_thread, "watch", None) is not None:
            explicit = {"return_attention_scores": True}
            arguments = inspect.signature(original).bind(layer, query, *args, **kwargs).arguments
            if not always_fused(layer):
                original(**{**arguments, **explicit})
        return output, scores

    return compute


def _tf_function_class() -> type:
    import tensorflow as tf

    return type(tf.function(lambda: None))


def _watched_function_call(original: Callable[..., Any]) -> Callable[..., Any]:
    """A user's `tf.function` runs its Python function here, in the capturing pass itself.

    Converted by AutoGraph in eager execution too, so that its loops are loops in both.
    """

    @functools.wraps(original)
    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        python = function.python_function
        module = getattr(python, "__module__", None) or ""
        if getattr(_thread, "watch", None) is None or module.startswith(_OWN_FUNCTIONS):
            return original(function, *args, **kwargs)
        return converted_by_autograph(python)(*args, **kwargs)

    return call
