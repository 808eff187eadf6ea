"""Finds the logits: what the softmax or sigmoid that makes a model's output was given.

While a pass is noted, each call of a softmax, log-softmax or sigmoid leaves a note of the tensor
that went in and the one that came out. An output of the model that *is* a noted tensor has its
logits there, whether the activation is fused into a layer, a layer of its own, a function of
`keras.ops` or the backend's own in a Lambda, and however deeply it is nested.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from tb_activations.training.keras.private import probability_functions
from tb_activations.training.keras.replaced import Make, Replaced

KINDS = ("softmax", "log_softmax", "sigmoid")
_thread = threading.local()


@dataclass(frozen=True)
class Ending:
    """One call of an activation that makes probabilities: its kind, input and output tensors."""

    kind: str
    logits: Any
    made: Any


class Notes:
    """The endings of one pass, in the order of execution."""

    def __init__(self) -> None:
        self._endings: list[Ending] = []

    def add(self, kind: str, logits: Any, made: Any) -> None:
        self._endings.append(Ending(kind, logits, made))

    def of(self, output: Any) -> Ending | None:
        """The ending whose result this very tensor is."""
        return next((one for one in self._endings if one.made is output), None)

    def last(self, accepts: Callable[[Ending], bool]) -> Ending | None:
        return next((one for one in reversed(self._endings) if accepts(one)), None)

    def layer_returned(self, _: Any, layer: Any, args: tuple, outputs: Any) -> Any:
        """The `change` of a watch: notes a layer that holds one of the backend's functions itself.

        Such a layer reaches the function past any module's name.
        """
        if isinstance(layer, keras.layers.Lambda | keras.layers.Activation) and args:
            function = getattr(layer, "function", None) or getattr(layer, "activation", None)
            for kind, raw in _raw_functions():
                if function is raw:
                    self.add(kind, args[0], outputs)
        return outputs


@contextmanager
def noting() -> Iterator[Notes]:
    """Notes of the calls that this thread makes inside the block."""
    notes = Notes()
    before = getattr(_thread, "notes", None)
    with ExitStack() as stack:
        stack.enter_context(_replaced)
        if keras.backend.backend() == "torch":
            stack.enter_context(_torch_mode(notes))
        _thread.notes = notes
        try:
            yield notes
        finally:
            _thread.notes = before


def noted() -> Notes:
    """Those of the pass that this thread makes; empty where nothing is noted."""
    return getattr(_thread, "notes", None) or Notes()


def also_made(made: Any, new: Any) -> None:
    """Notes that another tensor stands for one that an ending of this thread's pass made."""
    notes = getattr(_thread, "notes", None)
    ending = None if notes is None else notes.of(made)
    if notes is not None and ending is not None:
        notes.add(ending.kind, ending.logits, new)


def _noted(original: Callable[..., Any], kind: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        notes = getattr(_thread, "notes", None)
        if notes is not None:
            notes.add(kind, _first(args, kwargs), made)
        return made

    return call


def _first(args: tuple, kwargs: dict) -> Any:
    return args[0] if args else next(iter(kwargs.values()))


def _raw_functions() -> list[tuple[str, Any]]:
    if keras.backend.backend() != "jax":
        return []  # TensorFlow's and Torch's are seen below their public names
    import jax

    return [(kind, getattr(getattr(jax.nn, kind), "__wrapped_by_notes__", None)) for kind in KINDS]


def _torch_mode(notes: Notes) -> Any:
    """Torch hands every function call to a mode, by whatever name it is reached."""
    from torch.overrides import TorchFunctionMode

    class Noting(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
        ) -> Any:
            made = func(*args, **(kwargs or {}))
            name = getattr(func, "__name__", "")
            if name in KINDS:
                notes.add(name, _first(args, kwargs or {}), made)
            return made

    return Noting()


def _functions() -> Iterator[tuple[Any, str, Make]]:
    for module, name in probability_functions():
        yield module, name, functools.partial(_marked, name=name)


def _marked(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    replacement = _noted(original, name)
    replacement.__wrapped_by_notes__ = original  # type: ignore[attr-defined]
    return replacement


_replaced = Replaced(_functions)
