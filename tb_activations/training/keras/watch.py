"""Sees every layer call of one forward pass, from the thread that makes it.

A watch holds, in the order of execution, an `Entry` for every output of every layer call, the
values of those that are wanted, and the layers that run inside loops. While at least one watch is
open, Keras' `Layer.__call__` is replaced, and on TensorFlow the call of a `tf.function`, so that a
decorated `call` is looked into; calls from other threads go straight through. The last watch to
close puts the originals back.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import keras

from tb_activations.training.selection import REARRANGING, Entry, Hidden, Place

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
_LOOPING_LAYERS = ("RNN", "TimeDistributed")
DATA_FORMATS = ("channels_first", "channels_last")
_OWN_FUNCTIONS = ("keras.", "tensorflow.")  # a tf.function of theirs is left as it is

_thread = threading.local()


class Watch:
    """One forward pass, seen from inside.

    entries: every output of every layer call. values: entry name → its tensor, or what `keep`
    makes of it on the spot, for those that `wanted` accepts. hidden: layers that ran inside loops.
    ran: ids of the layers that ran.

    home: the graph (TensorFlow) or trace (JAX) that the pass builds, None in eager execution. What
    belongs to another one, such as the body of a loop, has no values outside of it.
    """

    def __init__(
        self,
        wanted: Callable[[Entry], bool],
        home: Any = None,
        keep: Callable[[Entry, Any], Any] | None = None,
    ) -> None:
        self.entries: list[Entry] = []
        self.values: dict[str, Any] = {}
        self.hidden: list[Hidden] = []
        self.ran: set[int] = set()
        self._wanted = wanted
        self._home = home
        self._keep = keep or (lambda _, value: value)
        self._around: list[Place] = []
        self._layers_around: list[Any] = []
        self._looping = 0
        self._calls: Counter[tuple[Place, str]] = Counter()
        self._names: set[str] = set()
        self._seen = _TensorNotes()

    def call(self, original: Callable[..., Any], layer: Any, args: tuple, kwargs: dict) -> Any:
        """Runs the layer, and notes what it returns."""
        self.ran.add(id(layer))
        if self._around and (self._looping or _in_loop()):
            self._hide(layer)
            return original(layer, *args, **kwargs)
        place = self._place_of(layer)
        self._around.append(place)
        self._layers_around.append(layer)
        self._looping += _loops(layer)
        try:
            outputs = original(layer, *args, **kwargs)
        finally:
            self._looping -= _loops(layer)
            self._around.pop()
            self._layers_around.pop()
        if _loops(layer):
            self._hide_inner(layer, place)
        self._note(layer, place, (args, kwargs), outputs)
        return outputs

    def _place_of(self, layer: Any) -> Place:
        """The model itself is named in its own entries alone, not in the paths inside it."""
        if not self._around:
            return Place()
        around = self._around[-1]
        name = "attention_scores" if self._are_scores(layer) else layer.name
        self._calls[around, name] += 1
        return around.inner(name, self._calls[around, name])

    def _are_scores(self, layer: Any) -> bool:
        """Whether it makes attention scores `[n, heads, q, k]` for the layer around it."""
        around = self._layers_around[-1] if self._layers_around else None
        return isinstance(around, _attention()) and isinstance(layer, keras.layers.Softmax)

    def _hide(self, layer: Any) -> None:
        if self._around:
            self.hidden.append(Hidden(layer, self._outer()))

    def _outer(self) -> Place:
        """The innermost call that is not in a loop."""
        place = self._around[-1]
        return place if place.steps else self._root(self._layers_around[0])

    def _root(self, layer: Any) -> Place:
        """The model's own place: beside its outermost layers, one of which may have its name."""
        return Place().inner(layer.name, self._calls[Place(), layer.name] + 1)

    def _hide_inner(self, layer: Any, place: Place) -> None:
        for inner in flattened(layer)[1:]:
            self.hidden.append(Hidden(inner, place if place.steps else self._root(layer)))

    def _note(self, layer: Any, place: Place, inputs: Any, outputs: Any) -> None:
        place = place if place.steps else self._root(layer)
        given = [leaf for _, leaf in parts(inputs) if is_array(leaf)]
        for part, value in parts(outputs):
            if not is_array(value) or is_symbolic(value):
                continue
            if home_of(value) is not self._home:
                self._hide(layer)
                continue
            name = self._unique(place.path() + part)
            data_format = self._data_format(layer, part, value, given)
            entry = Entry(
                name=name,
                place=place,
                part=part,
                layer=layer,
                fresh=self._is_fresh(layer, value, given),
                data_format=data_format,
                order=len(self.entries),
            )
            self._seen.note(value, data_format)
            self.entries.append(entry)
            if self._wanted(entry):
                self.values[name] = self._keep(entry, value)

    def _data_format(self, layer: Any, part: str, value: Any, given: list[Any]) -> str:
        """The layer's own, else that of its input where the rank is the same."""
        rank = len(value.shape)
        own = getattr(layer, "data_format", None)
        if own in DATA_FORMATS:
            return own if rank > 2 else "channels_last"
        returned_scores = isinstance(layer, _attention()) and part == ".1"
        if returned_scores or self._are_scores(layer) or (rank > 2 and _normalises_first(layer)):
            return "channels_first"
        for one in given:
            known = self._seen.format_of(one)
            if known is not None and len(one.shape) == rank:
                return known
        return "channels_last"

    def _is_fresh(self, layer: Any, value: Any, given: list[Any]) -> bool:
        if any(value is one for one in given) or self._seen.format_of(value) is not None:
            return False
        return type(layer).__name__ not in REARRANGING

    def _unique(self, name: str) -> str:
        unique, count = name, 1
        while unique in self._names:
            count += 1
            unique = f"{name}:{count}"
        self._names.add(unique)
        return unique


@contextmanager
def watching(
    wanted: Callable[[Entry], bool],
    home: Any = None,
    keep: Callable[[Entry, Any], Any] | None = None,
) -> Iterator[Watch]:
    """A watch over the layer calls that this thread makes inside the block."""
    watch = Watch(wanted, home, keep)
    before = getattr(_thread, "watch", None)
    with _patches:
        _thread.watch = watch
        try:
            yield watch
        finally:
            _thread.watch = before


def flattened(layer: Any) -> list[Any]:
    """The layer and all layers inside it."""
    return list(layer._flatten_layers()) if hasattr(layer, "_flatten_layers") else [layer]


def parts(outputs: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested lists, tuples and dicts, with `.0`, `.key` as the way to each."""
    if isinstance(outputs, Mapping):
        for key, value in outputs.items():
            yield from parts(value, f"{prefix}.{key}")
    elif isinstance(outputs, list | tuple):
        for i, value in enumerate(outputs):
            yield from parts(value, f"{prefix}.{i}")
    elif outputs is not None:
        yield prefix, outputs


def is_array(value: Any) -> bool:
    """Whether it has a shape and a dtype, as tensors of every backend and NumPy arrays have."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def is_symbolic(value: Any) -> bool:
    """Whether it is a Keras placeholder, which has no values."""
    return isinstance(value, keras.KerasTensor)


def home_of(value: Any) -> Any:
    """The graph or trace that a tensor belongs to, None for a tensor that has its values."""
    for component in ("flat_values", "values"):  # of a ragged or sparse tensor
        value = (
            getattr(value, component, value)
            if hasattr(value, "dense_shape") or (component == "flat_values")
            else value
        )
    graph = getattr(value, "graph", None)
    return graph if graph is not None else getattr(value, "_trace", None)


class _TensorNotes:
    """The data format of every tensor that was seen, as long as the tensor lives."""

    def __init__(self) -> None:
        self._notes: dict[int, tuple[Callable[[], Any], str]] = {}

    def note(self, tensor: Any, data_format: str) -> None:
        try:
            reference: Callable[[], Any] = weakref.ref(tensor)
        except TypeError:  # kept alive instead, so that its id is not used again
            reference = functools.partial(_identity, tensor)
        self._notes[id(tensor)] = (reference, data_format)

    def format_of(self, tensor: Any) -> str | None:
        reference, data_format = self._notes.get(id(tensor), (lambda: None, None))
        return data_format if reference() is tensor else None


def _identity(value: Any) -> Any:
    return value


def _loops(layer: Any) -> bool:
    """RNNs and TimeDistributed stand for what they run, unrolled or not."""
    return isinstance(layer, tuple(getattr(keras.layers, name) for name in _LOOPING_LAYERS))


def _attention() -> tuple[type, ...]:
    return (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)


def _normalises_first(layer: Any) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization) and layer.axis == 1


def _in_loop() -> bool:
    """Whether a loop stands between this layer call and the one around it."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code is not Watch.call.__code__:
        if _is_loop(frame.f_code):
            return True
        frame = frame.f_back
    return False


@functools.lru_cache(maxsize=4096)
def _is_loop(code: CodeType) -> bool:
    file = code.co_filename.replace("\\", "/")
    return any(
        file.endswith(end)
        and (end != "/core.py" or "/keras/src/backend/" in file)
        and (functions is None or code.co_name in functions)
        for end, functions in _LOOPS
    )


class _Patches:
    """Counts the open watches; the first replaces the calls, the last puts them back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._originals: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> None:
        with self._lock:
            if not self._open:
                attention = keras.layers.MultiHeadAttention
                self._replace(keras.Layer, "__call__", _watched_layer_call)
                self._replace(attention, "_compute_attention", _watched_attention)
                if keras.backend.backend() == "tensorflow":
                    self._replace(_tf_function_class(), "__call__", _watched_function_call)
            self._open += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open -= 1
            while not self._open and self._originals:
                setattr(*self._originals.pop())

    def _replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        original = owner.__dict__[name]
        self._originals.append((owner, name, original))
        setattr(owner, name, make(original))


_patches = _Patches()


def _watched_layer_call(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        watch = getattr(_thread, "watch", None)
        if watch is None or any(is_symbolic(leaf) for _, leaf in parts((args, kwargs))):
            return original(layer, *args, **kwargs)
        return watch.call(original, layer, args, kwargs)

    return call


def _watched_attention(original: Callable[..., Any]) -> Callable[..., Any]:
    """Attention by a fused kernel leaves no scores: they are computed beside it, to be seen.

    What the layer returns stays the kernel's, to the bit.
    """

    @functools.wraps(original)
    def compute(layer: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        output, scores = original(layer, query, *args, **kwargs)
        if scores is None and getattr(_thread, "watch", None) is not None:
            explicit = {"return_attention_scores": True}
            arguments = inspect.signature(original).bind(layer, query, *args, **kwargs).arguments
            if not layer._flash_attention:
                original(**{**arguments, **explicit})
        return output, scores

    return compute


def _tf_function_class() -> type:
    import tensorflow as tf

    return type(tf.function(_identity))


def _watched_function_call(original: Callable[..., Any]) -> Callable[..., Any]:
    """A user's `tf.function` runs its Python function here, in the capturing pass itself.

    Converted by AutoGraph in eager execution too, so that its loops are loops in both.
    """
    from tensorflow.python.eager.polymorphic_function import autograph_util

    @functools.wraps(original)
    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        python = function.python_function
        module = getattr(python, "__module__", None) or ""
        if getattr(_thread, "watch", None) is None or module.startswith(_OWN_FUNCTIONS):
            return original(function, *args, **kwargs)
        return autograph_util.py_func_from_autograph(python)(*args, **kwargs)

    return call
